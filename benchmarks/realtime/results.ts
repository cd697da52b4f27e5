// What `bun run bench realtime` finds, and the set-up that its parts share. Measures nothing.
import type { Crowd } from "./fleet.ts";
import type { Rate } from "./live.ts";

/** Subscribers of one event, and of the writes. */
export const SUBSCRIBERS = 10_000;

/** In the title of a record that clients look for, before the moment it was sent at (ms, then an `e`). */
export const MARK = "sent-at:";

/** What one kind of client took. */
export interface Memory {
  readonly kind: Crowd["kind"];
  /** On all gateways together. */
  readonly clients: number;
  readonly wanted: number;
  readonly gateways: number;
  readonly rssBefore: number;
  readonly rssAfter: number;
  readonly bytesPerClient: number;
  /** Open in one gateway then, and how many one process may open here. */
  readonly descriptors: number;
  readonly descriptorsMax: number;
}

/** One event's way to everybody. */
export interface Spread {
  readonly target: "pocketbase" | "hapta";
  readonly round: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly heard: number;
}

/** Writing while nobody listens, and right afterwards while ten thousand do. */
export interface Writing {
  readonly target: Spread["target"];
  readonly round: number;
  readonly alone: Rate;
  readonly beside: Rate;
}

export interface Results {
  readonly memory: readonly Memory[];
  readonly spreads: readonly Spread[];
  readonly writings: readonly Writing[];
}

/** Room for all clients from one address; the limits themselves are another benchmark's. */
export const CONFIG = {
  Server: { MaxConnections: 60_000 },
  Realtime: { MaxClients: 60_000 },
  ratelimit: { isEnabled: false },
};
