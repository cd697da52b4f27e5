// What `bun run bench realtime` finds, and the set-up that its parts share. Measures nothing.
import type { Crowd } from "./fleet.ts";

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

/** Who is subscribed on: the `bare` one does nothing but write to its clients, as fast as a loop over sockets can. */
export type Target = "pocketbase" | "hapta" | "bare";

/** One event's way to everybody. */
export interface Spread {
  readonly target: Target;
  readonly round: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  readonly heard: number;
}

/** What writers achieved. */
export interface Written {
  /** Of those who write as fast as they can, past the target. */
  readonly writesPerSecond: number;
  /** CPU time per write: of PocketBase, and of Hapta, where there is one. */
  readonly pocketbaseUs: number;
  readonly haptaUs: number;
  /** What each write of one writer took who keeps to a moderate pace, or to as many as he can. */
  readonly pacedMs: readonly number[];
}

/** Writing while nobody listens and while ten thousand do, right before or afterwards. */
export interface Writing {
  readonly target: Target;
  readonly round: number;
  readonly alone: Written;
  readonly beside: Written;
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
