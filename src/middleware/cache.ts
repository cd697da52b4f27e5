// The stage that answers reads without PocketBase. The only place where who asks and who may share an answer meet: a key
// is made here, and nowhere else. What it does not answer, it lets pass.
import type { Entry, Kept } from "../cache/entry.ts";
import { namesTag } from "../cache/entry.ts";
import type { Fill } from "../cache/flights.ts";
import type { Lease } from "../cache/versions.ts";
import { callerOf, callersOf } from "../cache/written.ts";
import type { Exchange, Stage } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Services } from "../services.ts";
import type { Session } from "../sessions/liveSessions.ts";
import { readFieldsOf, requestFor } from "./cacheFields.ts";
import { createNoteWrite } from "./noteWrite.ts";
import { createReadPlans, type ReadPlan } from "./readPlan.ts";

/** How long somebody waits for another's fill before asking for themselves. */
const JOIN_MS = 10_000;

/** @param forward - The stage that asks PocketBase. */
export const createCache = (services: Services, forward: Stage): Stage => {
  const { cache, settings, cacheGate } = services;
  if (!settings.cache.isEnabled) return () => undefined;
  const plans = createReadPlans(services.collections, settings);
  const noteWrite = createNoteWrite(services);

  const bypass = (exchange: Exchange, detail: string): undefined => {
    cache.counts.bypasses += 1;
    exchange.cacheStatus = `hapta; fwd=bypass; detail=${detail}`;
    return undefined;
  };

  const read = (exchange: Exchange): Answer | undefined | Promise<Answer | undefined> => {
    const { principal } = exchange;
    if (exchange.route.isAdmin === true || principal.kind === "superuser") return bypass(exchange, "superuser");
    const session = principal.kind === "record" ? principal.session : undefined;
    // A token that Hapta knows nothing about may count for something to PocketBase, or to the app's own code.
    if (session === undefined && (principal.kind !== "guest" || exchange.credential !== undefined))
      return bypass(exchange, "credential");
    const plan = plans(exchange, session?.cid);
    if (plan.kind === "none") return bypass(exchange, plan.detail);
    const closed = cacheGate.closedBecause();
    if (closed !== undefined) return bypass(exchange, closed);
    const fields = readFieldsOf(exchange.headers);
    const key = keyOf(plan, session, fields.origin);
    if (fields.isForced) exchange.cacheStatus = "hapta; fwd=request";
    else {
      const entry = cache.find(key);
      if (entry !== undefined) return hit(exchange, entry, fields.ifNoneMatch);
      exchange.cacheStatus = "hapta; fwd=miss";
    }
    cache.counts.misses += 1;
    // The answer to a HEAD has nothing to keep.
    if (exchange.method === "HEAD" || cache.isLoose(key)) return undefined;
    return miss(exchange, { plan, session, key, ifNoneMatch: fields.ifNoneMatch, isForced: fields.isForced });
  };

  const hit = (exchange: Exchange, entry: Entry, ifNoneMatch: string | undefined): Answer => {
    cache.counts.hits += 1;
    exchange.cacheStatus = "hapta; hit";
    exchange.isChecked = true;
    return answerOf(entry, ifNoneMatch);
  };

  const miss = (exchange: Exchange, wanted: Wanted): undefined | Promise<Answer | undefined> => {
    const { plan, session, key } = wanted;
    const joined = wanted.isForced ? undefined : cache.join(key);
    if (joined !== undefined) {
      cache.counts.joined += 1;
      exchange.cacheStatus = "hapta; fwd=miss; collapsed";
      return inTime(joined).then((fill) => landed(exchange, wanted, { fill, isOwn: false }));
    }
    if (!plan.collectionIds.every((id) => cacheGate.follows(id))) return bypass(exchange, "unfollowed");
    const lease = cache.versions.lease(namesOf(plan, session));
    if (lease === undefined) return bypass(exchange, "write");
    const fill = ask(exchange, wanted, lease);
    return fill.then((landing) => landed(exchange, wanted, { fill: landing, isOwn: true }));
  };

  const ask = (exchange: Exchange, { plan, session, key }: Wanted, lease: Lease): Promise<Fill> => {
    const isOwn = plan.sharing === "principal" && session !== undefined;
    const request = requestFor(exchange, { isShared: !isOwn, isAnonymous: plan.sharing === "public" });
    return cache.fill({
      key,
      lease,
      keeps: plan.keeps,
      ask: async () => {
        const answer = await forward(request);
        if (answer === undefined) throw new Error("the stage forward did not answer");
        return answer;
      },
    });
  };

  const landed = (
    exchange: Exchange,
    { plan, ifNoneMatch }: Wanted,
    { fill, isOwn }: { readonly fill: Fill | undefined; readonly isOwn: boolean },
  ): Answer | undefined => {
    if (fill?.kind === "kept") {
      exchange.isChecked = true;
      if (isOwn && fill.isStored) exchange.cacheStatus += "; stored";
      return answerOf(fill.kept, ifNoneMatch);
    }
    if (fill === undefined || (fill.kind === "loose" && !isOwn)) return undefined;
    // Asked as a guest: to the caller it may be something else.
    if (plan.sharing === "public" && exchange.credential !== undefined) {
      if (fill.kind === "loose" && "cancel" in (fill.answer.body ?? {})) cancel(fill.answer);
      return undefined;
    }
    return { ...fill.answer, headers: [...fill.answer.headers] };
  };

  return (exchange) => {
    if (exchange.route.body !== "drop") {
      noteWrite(exchange);
      return undefined;
    }
    return exchange.route.kind === "records" ? read(exchange) : undefined;
  };
};

interface Wanted {
  readonly plan: ReadPlan;
  readonly session: Session | undefined;
  readonly key: string;
  readonly ifNoneMatch: string | undefined;
  readonly isForced: boolean;
}

/**
 * The key of an answer: what is read, and by whom it may be read. Everything that decides about privacy is in this line:
 * a public answer was asked for as a guest, one of a kind depends on the collection of who asks, and all others
 * belong to one record.
 */
const keyOf = ({ key, sharing }: ReadPlan, session: Session | undefined, origin: string | undefined): string => {
  const asked = origin === undefined ? key : `${key} ${encodeURIComponent(origin)}`;
  if (sharing === "public") return `${asked}@public`;
  if (session === undefined) return `${asked}@guests`;
  return sharing === "kind" ? `${asked}@${session.cid}/*` : `${asked}@${session.cid}/${session.uid}`;
};

// Whoever's token stops counting becomes a guest to PocketBase: their own record decides about what they get.
const namesOf = ({ names, sharing }: ReadPlan, session: Session | undefined): readonly string[] =>
  sharing === "public" || session === undefined
    ? names
    : [...names, callerOf(session.cid, session.uid), callersOf(session.cid)];

const NOT_MODIFIED_WITHOUT = "content-type";

const answerOf = (kept: Kept | Entry, ifNoneMatch: string | undefined): Answer => {
  if (ifNoneMatch === undefined || kept.status !== 200 || !namesTag(ifNoneMatch, kept.etag))
    return { status: kept.status, headers: kept.headers.slice(), body: kept.body };
  const headers: string[] = [];
  for (let i = 0; i < kept.headers.length; i += 2) {
    const name = kept.headers[i] ?? "";
    if (name.toLowerCase() !== NOT_MODIFIED_WITHOUT) headers.push(name, kept.headers[i + 1] ?? "");
  }
  return { status: 304, headers, body: null };
};

const cancel = ({ body }: Answer): void => {
  if (body !== null && "cancel" in body) body.cancel();
};

const inTime = (fill: Promise<Fill>): Promise<Fill | undefined> => {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), JOIN_MS);
  return Promise.race([fill, late.promise]).finally(() => clearTimeout(timer));
};
