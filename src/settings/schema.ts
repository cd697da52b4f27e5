// The config file as Zod: every key, its default, bounds and sentence. The one source of the docs, of --help's
// defaults and of error texts. Contradictions between keys are judged elsewhere.
import { z } from "zod";
import { PROXY_RANGES } from "../utils/proxyRanges.ts";
import { cookies, origins } from "./browserSchema.ts";
import { cache } from "./cacheSchema.ts";
import { files } from "./filesSchema.ts";
import { ratelimit } from "./limitsSchema.ts";
import { oauth2 } from "./oauthSchema.ts";
import {
  choiceNote,
  listOf,
  readAddressBlock,
  readHostName,
  seconds,
  toggle,
  wholeNumber,
} from "./pieces.ts";
import { apps, collections, dpop, guardSecret } from "./proofsSchema.ts";
import { realtime } from "./realtimeSchema.ts";
import { sessions } from "./sessionsSchema.ts";
import { validation } from "./validationSchema.ts";

const PROXIES = Object.keys(PROXY_RANGES);

const addressBlocks = (sentence: string) =>
  listOf({ sentence, allowed: "an IP address or a CIDR block", example: "10.0.0.0/8" }, readAddressBlock);

const server = z.strictObject({
  Port: wholeNumber({
    min: 0,
    max: 65535,
    fallback: 3599,
    sentence: "The TCP port to listen on; 0 picks a free one.",
  }),
  Host: z
    .string()
    .refine((text) => !text.startsWith("[") && readHostName(text) !== undefined)
    .default("0.0.0.0")
    .meta({
      description:
        "The address to listen on. The default is reached as localhost and from the local network; 127.0.0.1 keeps Hapta on this machine, :: adds IPv6.",
      allowed: "a host name or IP address without scheme, port and brackets",
    }),
  Nodes: z.array(z.string().max(2048)).max(64).default([]).meta({
    description: "The other nodes of a cluster. Must be empty: clustering is not in this version yet.",
    allowed: "an empty list",
  }),
  NodeId: wholeNumber({
    min: 0,
    max: 1023,
    fallback: 0,
    sentence: "The number of this node, unique in its cluster.",
  }),
  MainNode: z
    .url({ protocol: /^wss?$/ })
    .max(2048)
    .default("ws://localhost:3599/ws/cache-sync")
    .meta({
      description: "Where the main node of a cluster listens for the others. Not used by a single node.",
      allowed: "a ws:// or wss:// URL",
    }),
  threads: wholeNumber({
    min: 1,
    max: 64,
    fallback: 1,
    sentence: "How many processes share the port. Above 1 is accepted, but this version runs one.",
  }),
  nodeEnabled: toggle({
    fallback: false,
    sentence: "Whether this node joins a cluster. Must be false: clustering is not in this version yet.",
  }),
  MaxBodyBytes: wholeNumber({
    min: 1024,
    max: 2 ** 50,
    fallback: 10 * 2 ** 30,
    unit: "bytes",
    sentence: "The largest request body that is relayed; PocketBase's own limits still apply.",
  }),
  DrainTimeout: seconds({
    min: 0,
    max: 3600,
    fallback: 10,
    sentence: "How long requests may finish after SIGTERM before they are cut.",
  }),
  MaxConnections: wholeNumber({
    min: 1,
    max: 1_000_000,
    fallback: 16384,
    sentence: "The most client connections at a time; further ones are closed.",
  }),
});

const UPSTREAM_TOKENS = ["reject", "adopt"] as const;

const security = z.strictObject({
  Secret: z.string().min(16).max(1024).optional().meta({
    description:
      "A long random text of your own. Sessions do not depend on it: keys come from HAPTA_ROOT_KEY or the data folder.",
    allowed: "a text of 16 to 1024 characters, random, not copied from an example",
    secret: true,
  }),
  UpstreamTokens: z
    .enum(UPSTREAM_TOKENS)
    .default("reject")
    .meta(
      choiceNote(
        UPSTREAM_TOKENS,
        "What PocketBase's own tokens count for when a client sends one: nothing, or, while an app moves to Hapta, a login that the next refresh turns into a session.",
      ),
    ),
  Rotation: z
    .strictObject({
      Grace: seconds({
        min: 10,
        max: 300,
        fallback: 60,
        sentence: "How long a replaced token is still accepted once its successor has been used.",
      }),
      AskEvery: seconds({
        min: 0,
        max: 300,
        fallback: 60,
        sentence:
          "How long after PocketBase's own word on a session a refresh may be answered without asking it again, as long as nothing the answer depends on has changed. 0 asks each time.",
      }),
    })
    .prefault({}),
  Sessions: sessions,
  Events: z
    .strictObject({
      MaxRows: wholeNumber({
        min: 10_000,
        max: 1_000_000_000,
        fallback: 1_000_000,
        sentence: "How many security events are kept, about; the oldest go first. A million take 150 MB.",
      }),
      Days: wholeNumber({
        min: 1,
        max: 3650,
        fallback: 90,
        unit: "days",
        sentence: "How long security events are kept.",
      }),
    })
    .prefault({}),
  Hosts: listOf(
    {
      sentence: "The Host names Hapta answers for, without port; empty answers for any.",
      allowed: "a host name or IP address without scheme, port and path",
      example: "app.example.com",
    },
    readHostName,
  ),
  Apps: apps,
  DPoP: dpop,
  Collections: collections,
  Origins: origins,
  Cookies: cookies,
});

const network = z.strictObject({
  TrustedProxies: listOf(
    {
      sentence:
        "The proxies in front of Hapta whose X-Forwarded-For is believed; nobody else's is. A name stands for published networks (docs/limits.md).",
      allowed: `an IP address, a CIDR block or one of ${PROXIES.map((name) => `"${name}"`).join(", ")}`,
      example: "10.0.0.0/8",
    },
    (text) => (PROXIES.includes(text) ? text : readAddressBlock(text)),
  ),
});

const ACCESS = ["private", "public", "off"] as const;
const LEVELS = ["debug", "info", "warn", "error"] as const;
const REQUESTS = ["all", "errors", "off"] as const;

const admin = z.strictObject({
  Access: z
    .enum(ACCESS)
    .default("private")
    .meta(
      choiceNote(
        ACCESS,
        "Who reaches PocketBase's dashboard and superuser-only API: loopback and private addresses, everybody, or nobody.",
      ),
    ),
  AllowIPs: addressBlocks(
    "Addresses that reach the dashboard and superuser-only API besides private ones; no effect with Access off.",
  ),
});

const upstream = z.strictObject({
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
  GuardSecret: guardSecret,
});

const log = z.strictObject({
  Level: z.enum(LEVELS).default("info").meta(choiceNote(LEVELS, "The least severe entries that are logged.")),
  Requests: z
    .enum(REQUESTS)
    .default("errors")
    .meta(choiceNote(REQUESTS, "Which requests get a log line: all, those answered 5xx, or none.")),
});

/** The whole config file. Every group and key is optional; unknown keys are refused. */
export const configSchema = z.strictObject({
  Server: server.prefault({}),
  Security: security.prefault({}),
  ratelimit: ratelimit.prefault({}),
  Realtime: realtime.prefault({}),
  Network: network.prefault({}),
  Admin: admin.prefault({}),
  Upstream: upstream.prefault({}),
  OAuth2: oauth2.prefault({}),
  Files: files.prefault({}),
  Cache: cache.prefault({}),
  Validation: validation.prefault({}),
  Log: log.prefault({}),
});

/** What a user's config file may export: PascalCase groups, every key optional. */
export type UserConfig = z.input<typeof configSchema>;

/** The config file after validation, defaults filled in, still with the user's key names and units. */
export type ParsedConfig = z.output<typeof configSchema>;
