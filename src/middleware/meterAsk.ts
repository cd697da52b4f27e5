// From an Exchange to what the limits ask about it: who, what, and how heavy. Decides nothing.
import { batchItemsOf } from "../batch/batchItems.ts";
import { readStructMembers } from "../bodies/structMembers.ts";
import type { Exchange, Principal } from "../exchange.ts";
import type { Deed } from "../limits/actions.ts";
import { type Caller, guestAt, keepCaller } from "../limits/buckets.ts";
import { uploadWeight, weightOf } from "../limits/costs.ts";
import type { Ask, Part } from "../limits/limits.ts";
import type { Audience } from "../limits/rules.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { toRoute } from "../pocketbase/routes.ts";
import type { Session } from "../sessions/liveSessions.ts";
import type { Client } from "../utils/address.ts";
import { headerValue } from "../utils/headers.ts";

/** Whether a path segment names a collection of accounts. */
type IsAuth = (segment: string) => boolean;

/** What the limits are asked about an exchange. */
export const toAsk = (
  exchange: Exchange,
  members: ReadonlyMap<string, unknown> | undefined,
  isAuth: IsAuth,
): Ask => {
  const { batchPayload, principal } = exchange;
  const deed: Deed = exchange;
  const ask = {
    caller: callerOf(exchange),
    audience: audienceOf(principal),
    deed,
    weight: weightOf(deed, {
      query: exchange.query,
      bodyBytes: lengthOf(exchange),
      isSignUp: isSignUp(deed, isAuth),
      topics: topicsIn(members),
    }),
  };
  if (exchange.route.kind !== "batch" || batchPayload === undefined) return ask;
  return { ...ask, parts: partsOf(batchPayload, lengthOf(exchange), isAuth) };
};

/** The members of a struct body; undefined for every other body. */
export const membersOf = ({ body, route, headers }: Exchange): ReadonlyMap<string, unknown> | undefined =>
  body.kind === "bytes" && route.body === "struct"
    ? readStructMembers(body.bytes, headerValue(headers, "content-type") ?? "", multipartCodec)
    : undefined;

// An adopted token says who somebody is only once PocketBase has looked at it: until then the address counts.
const callerOf = ({ principal, client, proven }: Exchange): Caller => {
  const { address } = client;
  const session = principal.kind === "guest" ? undefined : principal.session;
  if (session === undefined && proven.appId !== undefined) return { ...guestAt(address), app: proven.appId };
  const known = callers.get(session ?? client);
  if (known?.address === address) return known;
  const caller = keepCaller(session === undefined ? guestAt(address) : holderAt(address, session));
  callers.set(session ?? client, caller);
  return caller;
};

const holderAt = (address: string, { cid, uid, id, appId }: Session): Caller => ({
  address,
  user: `${cid}/${uid}`,
  session: id,
  app: appId,
});

// A session in use is the same object from request to request, and so is a client who comes again.
const callers = new WeakMap<Session | Client, Caller>();

const audienceOf = ({ kind }: Principal): Audience => {
  if (kind === "superuser" || kind === "operator") return "superuser";
  return kind === "guest" ? "guest" : "user";
};

const lengthOf = ({ body }: Exchange): number => {
  if (body.kind === "bytes") return body.bytes.length;
  return body.kind === "stream" ? (body.length ?? 0) : 0;
};

const topicsIn = (members: ReadonlyMap<string, unknown> | undefined): number => {
  const topics = members?.get("subscriptions");
  return Array.isArray(topics) ? topics.length : 0;
};

// In a batch, PUT makes what is not there.
const isSignUp = ({ method, route }: Deed, isAuth: IsAuth): boolean =>
  (method === "POST" || method === "PUT") && route.kind === "records" && isAuth(route.collection ?? "");

// The files of a batch weigh with its first part.
const partsOf = (payload: Uint8Array, bodyBytes: number, isAuth: IsAuth): Part[] =>
  batchItemsOf(payload).map(({ method, url }, index) => {
    const [path = "", query = ""] = url.split("?", 2);
    const deed = { method, path, route: toRoute(method, path.slice(1).split("/")) };
    const files = index === 0 ? uploadWeight(bodyBytes) : 0;
    return {
      deed,
      weight: weightOf(deed, { query, bodyBytes: 0, isSignUp: isSignUp(deed, isAuth) }) + files,
    };
  });
