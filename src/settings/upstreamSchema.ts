// The group `Upstream` of the config file, and what is known of PocketBase's address and login.
import { z } from "zod";
import { type Secret, toSecret } from "../utils/secret.ts";
import type { VariableName } from "./environment.ts";
import { seconds, toMs, wholeNumber } from "./pieces.ts";

/** `Upstream`. */
export const upstream = z.strictObject({
  MaxInFlight: wholeNumber({
    min: 1,
    max: 65536,
    fallback: 256,
    sentence: "Requests sent to PocketBase at a time.",
  }),
  MaxQueued: wholeNumber({
    min: 0,
    max: 1_000_000,
    fallback: 1024,
    sentence: "Requests that wait for a free place; further ones are answered 503 at once.",
  }),
  QueueTimeout: seconds({
    min: 0.01,
    max: 300,
    fallback: 5,
    sentence: "How long a request waits for a free place.",
  }),
  ConnectTimeout: seconds({
    min: 0.01,
    max: 300,
    fallback: 3,
    sentence: "How long connecting to PocketBase may take.",
  }),
  FirstByteTimeout: seconds({
    min: 0.01,
    max: 3600,
    fallback: 60,
    sentence: "How long PocketBase may take to begin its answer once it has the request.",
  }),
  IdleTimeout: seconds({
    min: 0.01,
    max: 3600,
    fallback: 60,
    sentence: "How long a body may stand still, in either direction.",
  }),
  TotalTimeout: seconds({
    min: 0.01,
    max: 86_400,
    fallback: 600,
    sentence: "How long one request may take in all; realtime streams are exempt.",
  }),
  MinUploadRate: wholeNumber({
    min: 0,
    max: 2 ** 30,
    fallback: 500,
    unit: "bytes per second",
    sentence:
      "A body that comes slower, on average and after its first 20 seconds, is given up with 408; 0 never does.",
  }),
  MinDownloadRate: wholeNumber({
    min: 0,
    max: 2 ** 30,
    fallback: 500,
    unit: "bytes per second",
    sentence:
      "A client that takes its answer slower while more of it waits, on average over a minute, is cut; 0: only one that takes nothing.",
  }),
  MaxStreams: wholeNumber({
    min: 1,
    max: 1_000_000,
    fallback: 8192,
    sentence:
      "Realtime streams from PocketBase open at a time, one per signed-in user and one for all guests; a further user is answered 503 `realtime_full`.",
  }),
  GuardSecret: z
    .string()
    .regex(/^[\x21-\x7e]{16,256}$/)
    .optional()
    .meta({
      description:
        "What Hapta sends to PocketBase with every request, for a hook there that refuses everybody else (examples/pocketbase-guard).",
      allowed:
        "a text of 16 to 256 visible ASCII characters without blanks, random, not copied from an example",
      secret: true,
    }),
});

/** How PocketBase is reached, and how much of it at a time. */
export interface UpstreamSettings {
  /** Origin without a trailing slash; undefined = the embedded PocketBase. */
  readonly url: string | undefined;
  readonly adminEmail: string | undefined;
  readonly adminPassword: Secret | undefined;
  readonly inFlightMax: number;
  readonly queuedMax: number;
  readonly streamsMax: number;
  readonly queueTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly firstByteTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly totalTimeoutMs: number;
  readonly uploadBytesPerSecondMin: number;
  readonly downloadBytesPerSecondMin: number;
  /** Sent to PocketBase with every request. */
  readonly guardSecret: Secret | undefined;
}

/** Gives the settings their inner names. @param text - The value of a variable; undefined when it is not set. */
export const toUpstream = (
  group: z.output<typeof upstream>,
  text: (name: VariableName) => string | undefined,
): UpstreamSettings => {
  const url = text("DB_URL");
  return {
    url: url === undefined ? undefined : new URL(url).origin,
    adminEmail: text("ADMIN_EMAIL"),
    adminPassword: toSecret(text("ADMIN_PASSWORD")),
    inFlightMax: group.MaxInFlight,
    queuedMax: group.MaxQueued,
    streamsMax: group.MaxStreams,
    queueTimeoutMs: toMs(group.QueueTimeout),
    connectTimeoutMs: toMs(group.ConnectTimeout),
    firstByteTimeoutMs: toMs(group.FirstByteTimeout),
    idleTimeoutMs: toMs(group.IdleTimeout),
    totalTimeoutMs: toMs(group.TotalTimeout),
    uploadBytesPerSecondMin: group.MinUploadRate,
    downloadBytesPerSecondMin: group.MinDownloadRate,
    guardSecret: toSecret(group.GuardSecret),
  };
};
