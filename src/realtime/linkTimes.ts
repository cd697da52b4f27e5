// How long upstream streams last and how long is waited for them. Waits for nothing itself.

/** Times in ms. */
export interface LinkTimes {
  /** Without a message; PocketBase ends a stream after 300 s. */
  readonly idleMsMax: number;
  /** Whole life of a stream; PocketBase ends it after 30 min. */
  readonly ageMsMax: number;
  /** How long a replaced stream is still read: PocketBase keeps no order among messages. */
  readonly lingerMs: number;
  /** First pause after a failure, doubling up to `retryMsMax`. */
  readonly retryMs: number;
  readonly retryMsMax: number;
  /** How long somebody waits for topics to be in force. */
  readonly waitMsMax: number;
  /** Without a message until a stream is asked for a sign of life. */
  readonly quietMs: number;
  /** Between two rounds of such questions. */
  readonly proveEveryMs: number;
  /** For the sign of life to come; then the stream counts as lost. */
  readonly proveDeadlineMs: number;
}

export const LINK_TIMES: LinkTimes = {
  idleMsMax: 240_000,
  ageMsMax: 25 * 60_000,
  lingerMs: 1_000,
  retryMs: 100,
  retryMsMax: 2_000,
  waitMsMax: 8_000,
  quietMs: 1_000,
  proveEveryMs: 4_000,
  proveDeadlineMs: 3_000,
};
