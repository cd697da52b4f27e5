// The stage that answers reads without PocketBase. The only place where who asks and who may share an answer meet: a key
// is made here, and nowhere else. What it does not answer, it has PocketBase answer, or lets pass.
import type { Cache } from "../cache/cache.ts";
import { type Entry, type Kept, keptAnswer } from "../cache/entry.ts";
import type { Interest, Interests } from "../cache/interests.ts";
import { startMaxAges } from "../cache/maxAges.ts";
import { CALLER } from "../cache/readNames.ts";
import { wholeListOf } from "../cache/wholeList.ts";
import { callerOf, callersOf } from "../cache/written.ts";
import type { Exchange, Stage } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Equality } from "../rules/equalities.ts";
import type { Services } from "../services.ts";
import type { Session } from "../sessions/liveSessions.ts";
import { createAsk } from "./cacheFields.ts";
import { createMiss } from "./cacheMiss.ts";
import { requestFor } from "./cacheRequest.ts";
import { startSelfCheck } from "./cacheSelfCheck.ts";
import { createVerify } from "./cacheVerify.ts";
import { createDownload } from "./download.ts";
import { createKeepRefresh } from "./keepRefresh.ts";
import { createNoteWrite } from "./noteWrite.ts";
import { createReadPlans, type ReadPlan } from "./readPlan.ts";
import { createReadThrough } from "./readThrough.ts";
import { createStaleIfError } from "./staleIfError.ts";

const REFRESH = "auth-refresh";

/** @param forward - The stage that asks PocketBase. */
export const createCache = (services: Services, forward: Stage): Stage => {
  const download = createDownload(services, forward);
  const keepsReads = services.settings.cache.isEnabled;
  const write = createWrite(services, forward);
  const readThrough = createReadThrough(services, forward);
  const readRecords = keepsReads ? createReadRecords(services, forward, readThrough) : undefined;

  return (exchange) => {
    if (exchange.route.body !== "drop") return write(exchange);
    if (exchange.route.kind === "file") return download(exchange);
    if (readRecords === undefined) return undefined;
    if (exchange.route.kind === "records") return readRecords(exchange);
    return exchange.route.kind === "custom" ? readThrough(exchange) : undefined;
  };
};

type ReadRecords = (exchange: Exchange) => Answer | Promise<Answer>;

const createReadRecords = (
  services: Services,
  forward: Stage,
  readThrough: ReturnType<typeof createReadThrough>,
): ReadRecords => {
  const { cache, cacheGate } = services;
  const plans = createReadPlans(services);
  begin(services, plans);
  const ask = createAsk(keyOf);
  const miss = createMiss(services, readThrough);
  const readClosed = createStaleIfError(services, readThrough);
  const verify = createVerify(services, forward);

  const bypass = createBypass(cache);

  const read = (exchange: Exchange, isAgain = false): Answer | undefined | Promise<Answer | undefined> => {
    const reader = readerOf(exchange);
    if (typeof reader === "string") return bypass(exchange, reader);
    const { session } = reader;
    const plan = plans(exchange, session?.cid);
    if (plan.kind === "none") return bypass(exchange, plan.detail);
    const closed = cacheGate.closedBecause();
    if (closed === undefined) return find(exchange, plan, session);
    if (isAgain) {
      bypass(exchange, closed);
      return readClosed?.(exchange, ask(exchange, plan, session).key);
    }
    // After a quiet time nothing is wrong but that nobody has asked: a moment brings proof.
    return cacheGate.reopened().then(() => read(exchange, true));
  };

  const find = (
    exchange: Exchange,
    plan: ReadPlan,
    session: Session | undefined,
  ): Answer | undefined | Promise<Answer | undefined> => {
    const { ifNoneMatch, isForced, key } = ask(exchange, plan, session);
    const entry = isForced ? undefined : cache.find(key);
    if (entry !== undefined) return hit(exchange, entry, ifNoneMatch);
    cache.counts.misses += 1;
    const name = nameOf(plan, session);
    exchange.cacheStatus = statusOf(isForced ? "hapta; fwd=request" : "hapta; fwd=miss", name);
    // The answer to a HEAD has nothing to keep.
    if (exchange.method === "HEAD" || cache.isLoose(key)) return undefined;
    const { interests } = cache.changes;
    const wanted = wantedOf(exchange, { plan, session, interests });
    return miss(exchange, { ...wanted, key, name, ifNoneMatch, isForced });
  };

  const hit = (exchange: Exchange, entry: Entry, ifNoneMatch: string | undefined): Answer => {
    cache.counts.hits += 1;
    exchange.cacheStatus = statusOf("hapta; hit", entry.name);
    exchange.isChecked = true;
    verify?.(entry, () => requestFor(exchange, { isShared: false, isAnonymous: false }));
    return keptAnswer(cache.encoded(entry, exchange.acceptEncoding), exchange, ifNoneMatch);
  };

  return (exchange) => {
    const answer = read(exchange) ?? readThrough(exchange);
    return answer instanceof Promise ? answer.then((later) => later ?? readThrough(exchange)) : answer;
  };
};

/** What changes something, and refreshes, which may be answered. */
const createWrite = (services: Services, forward: Stage): Stage => {
  const keepRefresh = createKeepRefresh(services);
  // Kept files depend on what is written, too.
  const isNoted = services.settings.cache.isEnabled || services.files !== undefined;
  const noteWrite = isNoted ? createNoteWrite(services, forward) : undefined;
  return (exchange) => {
    const kept = exchange.route.operation === REFRESH ? keepRefresh?.(exchange) : undefined;
    return kept ?? noteWrite?.(exchange);
  };
};

const createBypass =
  ({ counts }: Cache) =>
  (exchange: Exchange, detail: string): undefined => {
    counts.bypasses += 1;
    exchange.cacheStatus = `hapta; fwd=bypass; detail=${detail}`;
  };

/** What goes on beside the walk of requests. */
const begin = (services: Services, plans: ReturnType<typeof createReadPlans>): void => {
  const { cache, collections, settings } = services;
  const { maxAgesMs } = settings.cache;
  startMaxAges({ changes: cache.changes, maxAgesMs, idOf: (name) => collections.find(name)?.id });
  startSelfCheck(services, plans);
};

interface Reading {
  readonly plan: ReadPlan;
  readonly session: Session | undefined;
  readonly interests: Interests;
}

const wantedOf = (exchange: Exchange, { plan, session, interests }: Reading) => {
  const isAnonymous = plan.sharing === "public";
  const isShared = plan.sharing !== "principal" || session === undefined;
  const names = namesOf(plan, session, interests);
  const { listedId } = plan;
  return {
    totalKey: plan.totalKey === undefined ? undefined : plan.totalKey + sharersOf(plan.sharing, session),
    names,
    collectionIds: plan.collectionIds,
    narrowed:
      listedId === undefined ? undefined : ({ body }: Kept) => narrowed(body, { names, listedId, interests }),
    keeps: plan.keeps,
    isAnonymous,
    isRuled: plan.sharing === "kind" && session !== undefined,
    toRequest: () => requestFor(exchange, { isShared, isAnonymous }),
  };
};

interface Listing {
  readonly names: readonly string[];
  readonly listedId: string;
  readonly interests: Interests;
}

const narrowed = (body: Uint8Array, { names, listedId, interests }: Listing) => {
  const ids = wholeListOf(body);
  return ids && interests.wholeNamesOf(names, listedId, ids);
};

/** A read as an operator asks about it; without `session` a guest's. */
export interface ReadQuestion {
  /** Path and query. */
  readonly path: string;
  readonly query: string;
  readonly session: Pick<Session, "cid" | "uid"> | undefined;
}

/** What the cache makes of a read: its key, who may share the answer and why, what it depends on. */
export const createExplain = (services: Services) => {
  const plans = createReadPlans(services);
  const { interests } = services.cache.changes;
  return ({ session, ...read }: ReadQuestion) => {
    const plan = plans(read, session?.cid);
    if (plan.kind === "none") return plan;
    const { sharing, reason, collectionIds } = plan;
    const names = namesOf(plan, session, interests);
    const mark = { key: keyOf(plan, session, undefined), name: nameOf(plan, session) };
    return { kind: plan.kind, ...mark, sharing, reason, collectionIds, names };
  };
};

/** The name of a read; undefined also when the caller is a part of it, and the answer is not theirs alone. */
const nameOf = (
  { name, sharing }: ReadPlan,
  session: Pick<Session, "uid"> | undefined,
): string | undefined => {
  if (name?.includes(CALLER) !== true) return name;
  return sharing === "principal" && session !== undefined ? name.replaceAll(CALLER, session.uid) : undefined;
};

/** Only who asked like this is told how their read is called. */
const statusOf = (status: string, name: string | undefined): string =>
  name === undefined ? status : `${status}; key="${encodeURI(name)}"`;

/** Who reads, as far as answers may be kept for them; a word for why not otherwise. */
const readerOf = ({
  principal,
  credential,
  route,
}: Exchange): { readonly session: Session | undefined } | "superuser" | "credential" => {
  if (route.isAdmin === true || principal.kind === "superuser") return "superuser";
  if (principal.kind === "record" && principal.session !== undefined) return { session: principal.session };
  // A token that Hapta knows nothing about may count for something to PocketBase, or to the app's own code.
  return principal.kind === "guest" && credential === undefined ? { session: undefined } : "credential";
};

const keyOf = (
  { key, sharing }: ReadPlan,
  session: Pick<Session, "cid" | "uid"> | undefined,
  origin: string | undefined,
): string =>
  `${origin === undefined ? key : `${key} ${encodeURIComponent(origin)}`}${sharersOf(sharing, session)}`;

/**
 * The end of a key: by whom it may be read. Everything that decides about privacy is in these lines: a public answer was
 * asked for as a guest, one of a kind depends on the collection of who asks, and all others belong to one record.
 */
const sharersOf = (
  sharing: ReadPlan["sharing"],
  session: Pick<Session, "cid" | "uid"> | undefined,
): string => {
  if (sharing === "public") return "@public";
  if (session === undefined) return "@guests";
  return sharing === "kind" ? `@${session.cid}/*` : `@${session.cid}/${session.uid}`;
};

// Whoever's token stops counting becomes a guest to PocketBase: their own record decides about what they get.
const namesOf = (
  { needs, sharing }: ReadPlan,
  session: Pick<Session, "cid" | "uid"> | undefined,
  interests: Interests,
): readonly string[] => {
  const names = needs.flatMap(({ by, ...need }) =>
    interests.namesOf({ ...need, by: by === undefined ? undefined : valued(by, session) }),
  );
  if (sharing === "public" || session === undefined) return names;
  return [...names, callerOf(session.cid, session.uid), callersOf(session.cid)];
};

const valued = ({ field, value }: Equality, session: Pick<Session, "uid"> | undefined): Interest["by"] => {
  if (value.kind === "json") return { field, value: value.text };
  // To a guest it is the empty text, which is compared with more than itself.
  return session === undefined ? undefined : { field, value: JSON.stringify(session.uid) };
};
