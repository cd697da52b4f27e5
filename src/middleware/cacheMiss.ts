// What the stage `cache` does when it has no answer: asks PocketBase once for all who want the same at the same time, and
// gives what comes to those it is for. Makes no key and knows no rule.
import { keptAnswer } from "../cache/entry.ts";
import type { Fill } from "../cache/flights.ts";
import type { Lease } from "../cache/versions.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { Services } from "../services.ts";

/** How long somebody waits for another's fill before asking for themselves. */
const JOIN_MS = 10_000;

/** A read that is not in the cache. */
export interface Wanted {
  readonly key: string;
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
  /** It is asked for as a guest. */
  readonly isAnonymous: boolean;
  readonly ifNoneMatch: string | undefined;
  /** An answer that somebody else asked for will not do. */
  readonly isForced: boolean;
}

type Miss = (exchange: Exchange, wanted: Wanted) => undefined | Promise<Answer | undefined>;

/** @param forward - The stage that asks PocketBase. */
export const createMiss = ({ cache, cacheGate }: Services, forward: Stage): Miss => {
  const ask = async (request: Exchange): Promise<Answer> => {
    const answer = await forward(request);
    if (answer === undefined) throw new Error("the stage forward did not answer");
    return answer;
  };

  const begin = (wanted: Wanted, lease: Lease): Promise<Fill> => {
    const { key, totalKey, keeps, isForced, isAnonymous: isPublic } = wanted;
    const request = wanted.toRequest();
    const askFor = (skipsTotal: boolean): Promise<Answer> =>
      ask(skipsTotal ? withoutTotal(request) : request);
    return cache.fill({ key, totalKey, lease, keeps, isForced, isPublic, ask: askFor });
  };

  return (exchange, wanted) => {
    const joined = wanted.isForced ? undefined : cache.join(wanted.key);
    if (joined !== undefined) {
      cache.counts.joined += 1;
      exchange.cacheStatus += "; collapsed";
      return inTime(joined).then((fill) => landed(exchange, wanted, { fill, isOwn: false }));
    }
    const isFollowed = wanted.collectionIds.every((id) => cacheGate.follows(id));
    const lease = isFollowed ? cache.versions.lease(wanted.names) : undefined;
    if (lease === undefined) {
      exchange.cacheStatus = `hapta; fwd=bypass; detail=${isFollowed ? "write" : "unfollowed"}`;
      return undefined;
    }
    return begin(wanted, lease).then((fill) => landed(exchange, wanted, { fill, isOwn: true }));
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
  { isAnonymous, ifNoneMatch }: Wanted,
  { fill, isOwn }: Landing,
): Answer | undefined => {
  if (fill === undefined) return undefined;
  if (fill.kind === "kept") {
    exchange.isChecked = true;
    if (isOwn && fill.isStored) exchange.cacheStatus += "; stored";
    return keptAnswer(fill.kept, ifNoneMatch);
  }
  const { answer } = fill;
  if (fill.kind === "loose" && !isOwn) return undefined;
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
