// The group `Realtime` of the config file, and what the hub gets of it. Limits of addresses and sessions are with the rest
// of them.
import { z } from "zod";
import type { ChannelRule } from "../realtime/channelRules.ts";
import { channels, toChannels } from "./channelsSchema.ts";
import { seconds, wholeNumber } from "./pieces.ts";

/** `Realtime`. */
export const realtime = z.strictObject({
  MaxClients: wholeNumber({
    min: 1,
    max: 1_000_000,
    fallback: 16_384,
    sentence: "Realtime clients connected at a time; further ones are answered 503.",
  }),
  BufferBytes: wholeNumber({
    min: 4096,
    max: 2 ** 30,
    fallback: 262_144,
    unit: "bytes",
    sentence: "What may wait for one realtime client that reads slowly; then it is cut.",
  }),
  HistoryEvents: wholeNumber({
    min: 1,
    max: 100_000,
    fallback: 256,
    sentence: "Events of one topic that are kept for clients that come back.",
  }),
  HistoryBytes: wholeNumber({
    min: 65_536,
    max: 2 ** 34,
    fallback: 32 * 2 ** 20,
    unit: "bytes",
    sentence: "What kept events of all topics may take; the oldest go first.",
  }),
  HistorySeconds: seconds({
    min: 0,
    max: 3600,
    fallback: 120,
    sentence:
      "How long events are kept, and topics stay subscribed, for clients that come back; 0 keeps nothing.",
  }),
  Decide: z
    .union([z.boolean(), z.literal("auto")])
    .default("auto")
    .meta({
      description:
        'Hapta itself decides who hears of a change, where the rule reads nothing but the record and the caller\'s own: PocketBase tells it once for all. Not for collections that hooks show differently to each caller, so that "auto" does it only where nothing but PocketBase itself can be running: an embedded one without hooks and migrations (docs/realtime.md).',
      allowed: 'true, false or "auto"',
    }),
  MaxClientsPerAddress: wholeNumber({
    min: 1,
    max: 1_000_000,
    fallback: 128,
    sentence: "Realtime streams of one address open at a time.",
  }),
  MaxClientsPerSession: wholeNumber({
    min: 1,
    max: 1_000_000,
    fallback: 16,
    sentence: "Realtime streams that one session is subscribed on at a time.",
  }),
  Channels: channels,
});

/** What the hub and the channels are built with. */
export interface RealtimeSettings {
  readonly clientsMax: number;
  readonly bufferBytesMax: number;
  readonly history: { readonly eventsMax: number; readonly bytesMax: number; readonly ageMsMax: number };
  /** Whether Hapta decides what it can by itself; `auto`: only while PocketBase is known to run no code but its own. */
  readonly decides: boolean | "auto";
  readonly channels: readonly ChannelRule[];
}

/** Gives the settings their inner names. */
export const toRealtime = (group: z.output<typeof realtime>): RealtimeSettings => ({
  clientsMax: group.MaxClients,
  bufferBytesMax: group.BufferBytes,
  history: {
    eventsMax: group.HistoryEvents,
    bytesMax: group.HistoryBytes,
    ageMsMax: group.HistorySeconds * 1000,
  },
  decides: group.Decide,
  channels: toChannels(group.Channels),
});
