// The config file as Zod, put together from its groups; every key has its default, bounds and sentence. The one source of the docs, of --help's
// defaults and of error texts. Contradictions between keys are judged elsewhere.
import { z } from "zod";
import { PROXY_RANGES } from "../utils/proxyRanges.ts";
import { cookies, origins } from "./browserSchema.ts";
import { cache } from "./cacheSchema.ts";
import { files } from "./filesSchema.ts";
import { ratelimit } from "./limitsSchema.ts";
import { oauth2 } from "./oauthSchema.ts";
import { choiceNote, listOf, readAddressBlock, readHostName, seconds, wholeNumber } from "./pieces.ts";
import { apps, collections, dpop } from "./proofsSchema.ts";
import { realtime } from "./realtimeSchema.ts";
import { server } from "./serverSchema.ts";
import { sessions } from "./sessionsSchema.ts";
import { upstream } from "./upstreamSchema.ts";
import { validation } from "./validationSchema.ts";

const PROXIES = Object.keys(PROXY_RANGES);

const addressBlocks = (sentence: string) =>
  listOf({ sentence, allowed: "an IP address or a CIDR block", example: "10.0.0.0/8" }, readAddressBlock);

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
