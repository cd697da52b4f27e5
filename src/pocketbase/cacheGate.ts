// Whether what was derived from PocketBase a while ago can be relied on now. Keeps nothing itself.
import type { Following } from "./following.ts";

/** Whether kept answers can be relied on at this moment. */
export interface CacheGate {
  /** A word for why not; undefined when they can. Costs a few comparisons, and keeps the proofs coming. */
  closedBecause(): "feed" | "schema" | undefined;
  /** Waits for the doubts that a proof can end, at most 150 ms after that was begun. Never rejects. */
  reopened(): Promise<void>;
  /** Whether changes of a collection's records are told. */
  follows(collectionId: string): boolean;
}

const REOPEN_MS = 150;
/** While answers are being kept, rules may be this old: then PocketBase is asked about them at once. */
const SCHEMA_AGE_MAX_MS = 2_000;

/** @param following - Its feed is kept proven by being asked. */
export const createCacheGate = ({
  changes,
  collections,
}: Pick<Following, "changes" | "collections">): CacheGate => ({
  closedBecause: () => {
    if (changes.state() !== "healthy") return "feed";
    if (collections.ageMs() <= SCHEMA_AGE_MAX_MS) return undefined;
    void collections.confirm(0);
    return "schema";
  },
  reopened: async () => {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, REOPEN_MS);
    const proven = Promise.all([changes.settle(REOPEN_MS), collections.confirm(SCHEMA_AGE_MAX_MS)]);
    await Promise.race([proven, late.promise]);
    clearTimeout(timer);
  },
  follows: (collectionId) => changes.covers(collectionId),
});
