// What became of the session whose token came along. Ends none.
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { sessionHeaders } from "../utils/headers.ts";

/** How the session of a guest's token ended; undefined without a token, or for one that never was a session's. */
export const endOf = ({ principal }: Exchange): "revoked" | "expired" | undefined => {
  const ended = principal.kind === "guest" ? principal.ended : undefined;
  return ended === "invalid" ? undefined : ended;
};

/** The refusal of a call that needs a live session, with the word on how it ended. */
export const sessionRequired = (ended: string | undefined): Refusal =>
  ended === "revoked" || ended === "expired"
    ? new Refusal("session_required", { headers: sessionHeaders(ended) })
    : new Refusal("session_required");
