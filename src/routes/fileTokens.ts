// File tokens: PocketBase's stays inside, the client gets one of Hapta's that ends with its session.
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { Services } from "../services.ts";
import { withoutHeaders } from "../utils/headers.ts";

/** The answer to `POST /api/files/token` with Hapta's token; as it is for tokens that were adopted. */
export const mintedFileToken = ({ sessions }: Services, exchange: Exchange, answer: Answer): Answer => {
  const { principal } = exchange;
  if (principal.kind === "guest" || principal.session === undefined) return answer;
  if (answer.body !== null && isStreamed(answer.body)) answer.body.cancel();
  const token = sessions.mintFileToken(principal.session);
  const headers = withoutHeaders(answer.headers, ["content-length"]);
  return { status: 200, headers, body: Buffer.from(`${JSON.stringify({ token: token ?? "" })}\n`) };
};
