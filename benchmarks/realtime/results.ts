// What `bun run bench realtime` finds, and the set-up that its parts share. Measures nothing.
import type { Crowd } from "./fleet.ts";
import type { Rate } from "./live.ts";

/** Subscribers of one event, and of the writes. */
export const SUBSCRIBERS = 10_000;

/** What one kind of client took. */
export interface Memory {
  readonly kind: Crowd["kind"];
  /** On both gateways together. */
  readonly clients: number;
  readonly rssBefore: number;
  readonly rssAfter: number;
  readonly bytesPerClient: number;
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

/** Writing while nobody listens, or ten thousand. */
export interface Writing extends Rate {
  readonly listeners: "nobody" | "pocketbase" | "hapta";
  readonly round: number;
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
