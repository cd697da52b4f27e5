// The connections that the change feed's streams come by: apart from visitors', so that neither takes the other's places,
// and read on the thread that wants them. Knows no events.
import type { FeedOptions } from "./feedOptions.ts";
import { createOpenRealtime, type OpenRealtime } from "./realtimeStream.ts";
import { UpstreamPool } from "./wire/pool.ts";

/** Opens streams as nobody in particular until it is closed. */
export interface FeedWire {
  readonly open: OpenRealtime;
  /** Ends all streams. */
  close(): void;
}

/** A record may be longer: an editor field alone has 5 MB, and `<` is six characters in what PocketBase tells. */
const MESSAGE_CHARS_MAX = 4 * 1024 * 1024;
/** One is in place, some linger, and some are given up and not closed yet. */
const STREAMS_MAX = 16;
const WAIT_MS = 10_000;

/** Makes one that has no connection yet. Streams are read as they come: how soon a change is told is what they are for. */
export const createFeedWire = ({ client, messageCharsMax = MESSAGE_CHARS_MAX }: FeedOptions): FeedWire => {
  const pool = new UpstreamPool({
    ...{ url: client.url, guard: client.guard },
    ...{ inFlightMax: 1, queuedMax: 0, streamsMax: STREAMS_MAX, uploadBytesPerSecondMin: 0 },
    ...{ queueTimeoutMs: WAIT_MS, connectTimeoutMs: WAIT_MS, firstByteTimeoutMs: WAIT_MS },
    ...{ idleTimeoutMs: WAIT_MS, totalTimeoutMs: WAIT_MS },
  });
  return {
    open: createOpenRealtime(pool, { messageCharsMax, isPaced: false }),
    close: () => pool.close(),
  };
};
