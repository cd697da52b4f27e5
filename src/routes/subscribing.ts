// Subscriptions as both realtime transports make them: as whom, and PocketBase's own words where Hapta refuses what it
// would. Reads no request.
import { type ErrorCode, Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import type { Hub } from "../realtime/hub.ts";
import { SubscribeRefused } from "../realtime/link.ts";
import { GUEST, type Subject } from "../realtime/subject.ts";
import { readSubscription } from "../realtime/topics.ts";
import type { Subscribed, Wish } from "../realtime/wish.ts";
import { claimsOf } from "../utils/jwt.ts";

const WORDS: Record<Exclude<Subscribed, "done">, { readonly code: ErrorCode; readonly message?: string }> = {
  unknown: { code: "not_found", message: "Missing or invalid client id." },
  elsewhere: { code: "subscription_invalid", message: "Invalid realtime client." },
  foreign: {
    code: "subscription_denied",
    message: "The current and the previous request authorization don't match.",
  },
  crowded: { code: "overloaded" },
  full: { code: "realtime_full" },
};

/**
 * Checks a client's name and topics as PocketBase does.
 *
 * @param isForm - Whether the members come from a form. @throws Refusal `subscription_invalid`
 */
export const checkSubscription = (
  members: ReadonlyMap<string, unknown>,
  isForm: boolean,
): Pick<Wish, "clientId" | "topics"> => {
  const wish = readSubscription(members, isForm);
  if (wish.ok) return wish;
  // PocketBase's own general message, whatever is wrong.
  throw new Refusal("subscription_invalid", {
    data: wish.data,
    message: "Something went wrong while processing your request.",
  });
};

/** Subscribes. @throws Refusal `not_found`, `subscription_invalid`, `subscription_denied`, `overloaded`, `upstream_*` */
export const subscribe = async (hub: Hub, wish: Wish): Promise<void> => {
  const outcome = await hub.subscribe(wish).catch(refuse);
  if (outcome === "done") return;
  const { code, message } = WORDS[outcome];
  throw new Refusal(code, message === undefined ? { retryAfterSeconds: 5 } : { message });
};

const refuse = (error: unknown): never => {
  if (error instanceof SubscribeRefused) {
    if (error.status === 401 || error.status === 403)
      throw new Refusal("subscription_denied", { message: WORDS.foreign.message ?? "", cause: error });
    throw new Refusal(error.status < 500 ? "subscription_invalid" : "upstream_invalid", { cause: error });
  }
  if (!(error instanceof UpstreamError)) throw error;
  if (error.failure === "overloaded") throw new Refusal("overloaded", { retryAfterSeconds: 2, cause: error });
  const code = error.failure === "timeout" ? "upstream_timeout" : "upstream_unreachable";
  throw new Refusal(code, { cause: error });
};

/** What says who asks. */
export type Asker = Pick<Exchange, "principal" | "credential" | "client">;

/** As whom somebody subscribes. Superusers share nothing across addresses: PocketBase may let in only some. */
export const subjectOf = ({ principal, credential, client }: Asker): Subject => {
  if (principal.kind !== "record" && principal.kind !== "superuser") return GUEST;
  const { session } = principal;
  if (session === undefined) {
    // An adopted token: PocketBase says whether it counts.
    const { id = "", collectionId = "" } = claimsOf(credential ?? "") ?? {};
    const key = `token/${credential}/${client.address}`;
    return { key, who: `${collectionId}/${id}`, session: undefined, credential };
  }
  const who = `${session.cid}/${session.uid}`;
  const key = principal.kind === "superuser" ? `superuser/${who}/${client.address}` : `record/${who}`;
  return { key, who, session, credential };
};
