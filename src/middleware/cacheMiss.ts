// What the stage `cache` does when it has no answer: asks PocketBase once for all who want the same at the same time, and
// gives what comes to those it is for. Makes no key and knows no rule.
import type { CacheRead } from "../cache/cache.ts";
import { keptAnswer, type ReadMark } from "../cache/entry.ts";
import type { Fill } from "../cache/flights.ts";
import type { Lease } from "../cache/versions.ts";
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { Services } from "../services.ts";

/** How long somebody waits for another's fill before asking for themselves. */
const JOIN_MS = 10_000;

/** A read that is not in the cache. */
export interface Wanted extends ReadMark {
  /** The key of the total in its answer; undefined where there is none. */
  readonly totalKey: string | undefined;
  /** Names of everything its answer depends on. */
  readonly names: readonly string[];
  /** Ids of the collections among that. */
  readonly collectionIds: readonly string[];
  /** Whether an answer of this status may be kept. */
  readonly keeps: (status: number) => boolean;
  /** Makes the request for the answer. */
  readonly toRequest: () => Exchange;
  /**
   * It is asked for with one caller's credential and shared with others: only as long as the rules are the known ones.
   */
  readonly isRuled: boolean;
  /** It is asked for as a guest. */
  readonly isAnonymous: boolean;
  readonly narrowed: CacheRead["narrowed"];
  readonly ifNoneMatch: string | undefined;
  /** An answer that somebody else asked for will not do. */
  readonly isForced: boolean;
}

type Miss = (exchange: Exchange, wanted: Wanted) => undefined | Promise<Answer | undefined>;

/** @returns what makes a miss an answer; undefined when the caller has to ask PocketBase alone. */
export const createMiss = (
  { cache, cacheGate, collections }: Services,
  readThrough: (request: Exchange, collectionIds: readonly string[]) => Promise<Answer>,
): Miss => {
  const begin = (wanted: Wanted, lease: Lease): Promise<Fill> => {
    const { key, name, totalKey, isForced, isRuled, isAnonymous: isPublic, keeps, names, narrowed } = wanted;
    const request = wanted.toRequest();
    const askFor = async (skipsTotal: boolean): Promise<Answer> => {
      const answer = await readThrough(skipsTotal ? withoutTotal(request) : request, wanted.collectionIds);
      // PocketBase may have answered by a rule that Hapta has not heard of. If so, the lease breaks here.
      if (isRuled && !(await collections.confirm(0))) cache.versions.move(names, "rules not confirmed");
      return answer;
    };
    return cache.fill({ key, name, totalKey, lease, keeps, isForced, isPublic, narrowed, ask: askFor });
  };

  return (exchange, wanted) => {
    const joined = wanted.isForced ? undefined : cache.join(wanted.key);
    if (joined !== undefined) {
      cache.counts.joined += 1;
      exchange.cacheStatus += "; collapsed";
      return inTime(joined).then((fill) => landed(exchange, wanted, { fill, isOwn: false }));
    }
    if (!wanted.collectionIds.every((id) => cacheGate.follows(id))) {
      exchange.cacheStatus = "hapta; fwd=bypass; detail=unfollowed";
      return undefined;
    }
    return begin(wanted, cache.versions.lease(wanted.names)).then((fill) =>
      landed(exchange, wanted, { fill, isOwn: true }),
    );
  };
};

const withoutTotal = (request: Exchange): Exchange => ({
  ...request,
  query: request.query === "" ? "skipTotal=1" : `${request.query}&skipTotal=1`,
});

/** A fill that has come to something, or not in time, and whether this client began it. */
interface Landing {
  readonly fill: Fill | undefined;
  readonly isOwn: boolean;
}

const landed = (
  exchange: Exchange,
  { isAnonymous, isRuled, ifNoneMatch }: Wanted,
  { fill, isOwn }: Landing,
): Answer | undefined => {
  if (fill === undefined) return undefined;
  if (fill.kind === "kept") {
    if (isRuled && !isOwn && !fill.isStored) return undefined;
    exchange.isChecked = true;
    if (isOwn && fill.isStored) exchange.cacheStatus += "; stored";
    return keptAnswer(fill.kept, exchange, ifNoneMatch);
  }
  const { answer } = fill;
  if ((fill.kind === "loose" || isRuled) && !isOwn) return undefined;
  // It was asked for as a guest: to the caller it may be something else.
  if (isAnonymous && exchange.credential !== undefined) {
    if (isStreamed(answer.body)) answer.body.cancel();
    return undefined;
  }
  return { ...answer, headers: [...answer.headers] };
};

const inTime = (fill: Promise<Fill>): Promise<Fill | undefined> => {
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => late.resolve(undefined), JOIN_MS);
  return Promise.race([fill, late.promise]).finally(() => clearTimeout(timer));
};
