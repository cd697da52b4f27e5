// What the change feed promises, what it is told, and its times. Does nothing.
import type { Log } from "../insight/log.ts";
import type { Clock } from "./clock.ts";
import type { FeedEvent } from "./feedEvent.ts";
import type { SuperuserClient } from "./superuser.ts";

/** Times of the feed in milliseconds. */
export type FeedTimes = {
  /** Between two questions whether PocketBase answers and still knows the token. */
  readonly probeEveryMs: number;
  /** For one such question. */
  readonly probeDeadlineMs: number;
  /** Age of the last message at which a feed in use is proven. Each proof is a line in PocketBase's log, which it
   * writes down 200 lines at a time while they come less than 3 s apart. */
  readonly proveEveryMs: number;
  /** For a proof's message to come back; then the stream counts as silent. */
  readonly proveDeadlineMs: number;
  /** Age of the last message at which the feed is doubtful; the time between is what a proof may take. */
  readonly trustMs: number;
  /** To connect and subscribe one stream. */
  readonly openDeadlineMs: number;
  /** Without a message; PocketBase ends a stream after 300 s. */
  readonly idleMsMax: number;
  /** Whole life of a stream; PocketBase ends it after 30 min. */
  readonly ageMsMax: number;
  /** How long a replaced stream is still read: PocketBase keeps no order among messages, so some may come
   * after the proof. With 0, one write in a hundred was lost under steady writing and constant renewal. */
  readonly lingerMs: number;
  /** First pause after a failure, doubling up to `retryMsMax`, each give or take a quarter. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** Pause while PocketBase refuses the superuser, which a person has to mend. */
  readonly refusedMs: number;
};

/** What `createFeed` uses for times that are not given. */
export const FEED_TIMES: FeedTimes = {
  probeEveryMs: 500,
  probeDeadlineMs: 1_500,
  proveEveryMs: 900,
  proveDeadlineMs: 3_000,
  trustMs: 1_950,
  openDeadlineMs: 5_000,
  idleMsMax: 240_000,
  ageMsMax: 25 * 60_000,
  lingerMs: 1_000,
  retryMs: 100,
  retryMsMax: 2_000,
  refusedMs: 30_000,
};

/** How to follow PocketBase's changes. */
export type FeedOptions = {
  readonly client: SuperuserClient;
  readonly log: Log;
  /** Ids to follow, asked for at each new stream; views have no events. The first 999 count. */
  readonly collections: () => readonly string[];
  readonly clock?: Clock;
  readonly times?: Partial<FeedTimes>;
  /** Longest message, in characters; of a longer one only its collection is told. 4 Mi when absent. */
  readonly messageCharsMax?: number;
  /** Events told while streams overlap; more count as a cut of all of them. 20,000 when absent. */
  readonly overlapEventsMax?: number;
  /** Uniform in [0, 1); spreads pauses and ages. */
  readonly random?: () => number;
};

/**
 * - `closed`: no stream. Changes go unnoticed.
 * - `healthy`: everything until `trustMs` ago was told, and PocketBase answered a moment ago.
 * - `doubtful`: changes may be held up on the way. They are told later, or a gap is.
 */
export type FeedState = "closed" | "healthy" | "doubtful";

/**
 * Hears of a change.
 * @param isCopy - It looks as if it was told already. Another change that says the same may rarely be taken for a copy
 * while its own is still to come: who forgets something because of a change does so for copies, too.
 */
export type FeedListener = (event: FeedEvent, isCopy: boolean) => void;

/**
 * A feed that keeps itself going. Changes are told once, copies aside, in no order, about as soon as the writer has its
 * answer and sometimes later; as the newest state of a record they are of no use.
 *
 * Noticed, with the default times: a cut at once; a PocketBase that no longer answers, a token that no longer
 * counts, or a stream that is open but carries nothing, as `doubtful` within 2 s of its last message. The last is told
 * as a gap within 6 s while `state` is asked for, else when the next stream takes over, within 4 min.
 */
export type Feed = {
  /** Calls `listener` for each change until the returned function is called. It must be quick, not throw. */
  onEvent(listener: FeedListener): () => void;
  /**
   * Calls `listener` for each change, or copy of one, that is too long to be told, until the returned function is called: of
   * what is known about the collection's records, that of some record does not stand. It must be quick, not throw.
   */
  onUntold(listener: (collectionId: string) => void): () => void;
  /**
   * Calls `listener` whenever changes may have been missed, until the returned function is called: when that
   * is noticed, and again as soon as changes are told anew, the first time included. Whoever forgets at each
   * call all that he derived from PocketBase before it, has missed nothing.
   */
  onGap(listener: (reason: string) => void): () => void;
  /** How far the feed can be relied on this moment. Asking is what keeps the proofs coming: it costs nothing
   * itself, and a feed nobody asks about writes no lines into PocketBase's log. */
  state(): FeedState;
  /** `state()`, after waiting for a doubt to be settled, up to `deadlineMs` after the attempt at that was begun. */
  settle(deadlineMs: number): Promise<FeedState>;
  /** Whether changes of this collection are told at present. */
  covers(collectionId: string): boolean;
  /** Follows what `collections()` says now. Settles when that is so, or when the feed is closed. */
  resubscribe(): Promise<void>;
  /** Ends it; no listener is called afterwards. What is under way ends within its deadline. */
  close(): void;
};
