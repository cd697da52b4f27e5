// Whether a refresh needs PocketBase: it does not when PocketBase has said a moment ago that this login counts, and
// nothing it said that by can have changed since. Answers nothing; `src/routes/authAnswers.ts` rolls the session.
import { callerOf, callersOf } from "../cache/written.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Collection } from "../pocketbase/collection.ts";
import { authRuleIsOwn } from "../rules/authRule.ts";
import type { Services } from "../services.ts";
import { readFieldsOf } from "../utils/readFields.ts";

/**
 * Makes the function that looks at a refresh: it answers with what PocketBase would say but for the token, or notes in
 * `exchange.refresh` under what PocketBase is asked. Undefined when `Security.Rotation.AskEvery` is 0 or nothing is kept.
 */
export const createKeepRefresh = (
  services: Services,
): ((exchange: Exchange) => Answer | undefined) | undefined => {
  const { cache, cacheGate, sessions, settings } = services;
  const { rotationAskEveryMs: askEveryMs } = settings.security;
  if (askEveryMs === 0 || !settings.cache.isEnabled) return undefined;
  const mayKeep = createMayKeep(services);

  return (exchange) => {
    const { principal, headers } = exchange;
    if (principal.kind !== "record" || principal.session?.kind !== "record" || !isBare(exchange))
      return undefined;
    const { session } = principal;
    const { cid, uid } = session;
    if (!mayKeep(exchange, cid)) return undefined;
    if (cacheGate.closedBecause() !== undefined || !cacheGate.follows(cid)) return undefined;
    const { origin = "", isForced } = readFieldsOf(headers);
    const key = `${cid}/${uid} ${origin}`;
    const kept = isForced ? undefined : cache.refreshes.find(key);
    if (kept !== undefined && sessions.wasAsked(session, { sinceMs: kept.sinceMs, withinMs: askEveryMs })) {
      exchange.cacheStatus = "hapta; hit";
      exchange.refresh = { kind: "kept", kept };
      return { status: 200, headers: kept.headers.slice(), body: null };
    }
    const lease = cache.versions.lease([callerOf(cid, uid), callersOf(cid)]);
    exchange.refresh = { kind: "asked", key, lease, sinceMs: performance.now() };
    return undefined;
  };
};

// Parameters and bodies mean something to rules and hooks.
const isBare = ({ query, body }: Exchange): boolean => query === "" && body.kind === "none";

type MayKeep = (exchange: Exchange, cid: string) => boolean;

/** Whether what is refreshed is a login of this very collection, and its rule looks nowhere else. */
const createMayKeep = ({ cache, collections, settings }: Services): MayKeep => {
  // What an operator keeps out of the cache, or lets go after a time, changes in ways that nobody tells.
  const untold = [...settings.cache.collections]
    .filter(([name, { isEnabled }]) => isEnabled === false || settings.cache.maxAgesMs.has(name))
    .map(([name]) => name);
  const known = new WeakMap<Collection, boolean>();
  const isTold = ({ id }: Collection): boolean => !untold.some((name) => collections.find(name)?.id === id);
  const judge = (collection: Collection): boolean => {
    const before = known.get(collection);
    if (before !== undefined) return before;
    const judged = isTold(collection) && authRuleIsOwn(collection, (nameOrId) => collections.find(nameOrId));
    known.set(collection, judged);
    return judged;
  };

  return ({ route }, cid) => {
    const collection = collections.current().find(route.collection ?? "");
    if (collection?.id !== cid || cache.unsteady.has(cid)) return false;
    return judge(collection);
  };
};
