// What is looked at again and again: clients that never subscribe, are quiet, or whose session is over. Keeps none.
import type { StreamOwner } from "./subject.ts";
import type { Subscriber } from "./subscriber.ts";

/** In ms. */
export interface HubTimes {
  /** How long a client may stay without ever subscribing. */
  readonly unboundMsMax: number;
  /** A connection that was quiet for so long gets a sign of life. */
  readonly beatMs: number;
  readonly sweepMs: number;
}

export const HUB_TIMES: HubTimes = { unboundMsMax: 15_000, beatMs: 25_000, sweepMs: 500 };

/** Signs of life given in one sweep: so many, and this share of all clients. */
const [BEATS_MIN, BEAT_SHARES] = [64, 25];

export interface Sweep extends HubTimes {
  readonly nowMs: number;
  readonly isOver: (session: StreamOwner) => boolean;
}

/** Looks at every client once. O(clients). */
export const sweepClients = (
  clients: ReadonlyMap<string, Subscriber>,
  { nowMs, unboundMsMax, beatMs, isOver }: Sweep,
): void => {
  // Clients who came together are not to get their signs of life all at once.
  let beats = BEATS_MIN + Math.ceil(clients.size / BEAT_SHARES);
  for (const client of clients.values()) {
    const session = client.subject?.session;
    if (client.turn === 0 && nowMs - client.openedMs >= unboundMsMax) client.end("unused");
    else if (session !== undefined && isOver(session)) client.end("session_over");
    else if (client.quietMs(nowMs) >= beatMs && beats-- > 0) client.beat();
  }
};
