// What the change feed is told, and its times. Does nothing.
import type { Log } from "../insight/log.ts";
import type { Clock } from "./clock.ts";
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
  /** Longest message, in characters; a longer one counts as a cut. 4 Mi when absent. */
  readonly messageCharsMax?: number;
  /** Uniform in [0, 1); spreads pauses and ages. */
  readonly random?: () => number;
};
