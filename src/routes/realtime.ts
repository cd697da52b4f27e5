// `/api/realtime`: streams of events that end at Hapta, and their subscriptions. Answers as PocketBase does.
import { readStructMembers } from "../bodies/structMembers.ts";
import { type ErrorCode, OWN_HEADERS, Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import { EventStream } from "../realtime/eventStream.ts";
import type { Hub } from "../realtime/hub.ts";
import { SubscribeRefused } from "../realtime/link.ts";
import { GUEST, type Subject } from "../realtime/subject.ts";
import { readSubscription } from "../realtime/topics.ts";
import type { Subscribed } from "../realtime/wish.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";
import { claimsOf } from "../utils/jwt.ts";

const STREAM_HEADERS: readonly string[] = [
  "Content-Type",
  "text/event-stream",
  "Cache-Control",
  "no-store",
  "X-Accel-Buffering",
  "no",
  ...OWN_HEADERS,
];

/** PocketBase's own words where Hapta refuses what it would. */
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

export const createRealtimeRoutes = ({
  hub,
}: Services): ((exchange: Exchange) => Answer | Promise<Answer>) => {
  return (exchange) => {
    if (exchange.method === "POST") return subscribe(hub, exchange);
    if (exchange.method === "HEAD") return { status: 200, headers: [...STREAM_HEADERS], body: null };
    const subscriber = hub.connect(exchange.client.address);
    if (subscriber === undefined) throw new Refusal("overloaded", { retryAfterSeconds: 5 });
    return { status: 200, headers: [...STREAM_HEADERS], body: new EventStream(subscriber) };
  };
};

const subscribe = async (hub: Hub, exchange: Exchange): Promise<Answer> => {
  const { body, client, headers } = exchange;
  const type = headerValue(headers, "content-type") ?? "";
  const members = body.kind === "bytes" ? readStructMembers(body.bytes, type, multipartCodec) : new Map();
  const wish = readSubscription(members, !type.startsWith("application/json"));
  // PocketBase's own general message, whatever is wrong.
  if (!wish.ok)
    throw new Refusal("subscription_invalid", {
      data: wish.data,
      message: "Something went wrong while processing your request.",
    });
  const { clientId, topics } = wish;
  const outcome = await hub
    .subscribe({ clientId, topics, subject: subjectOf(exchange), address: client.address })
    .catch(refuse);
  if (outcome === "done") return { status: 204, headers: [...OWN_HEADERS], body: null };
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

/** As whom somebody subscribes. Superusers share nothing across addresses: PocketBase may let in only some. */
const subjectOf = ({ principal, credential, client }: Exchange): Subject => {
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
