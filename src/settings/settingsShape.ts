// The one typed value all of Hapta is configured by, and its making from checked input; each group makes its own part. Judges nothing.
import { resolve } from "node:path";
import { deepFreeze } from "../utils/deepFreeze.ts";
import { expandRanges } from "../utils/proxyRanges.ts";
import { type Secret, toSecret } from "../utils/secret.ts";
import { type CacheSettings, toCacheSettings } from "./cacheSchema.ts";
import type { VariableName, Variables } from "./environment.ts";
import { type FileSettings, toFileSettings } from "./filesSchema.ts";
import { type RateLimitSettings, toRateLimit } from "./limitsSchema.ts";
import { type OAuthSettings, toOAuth } from "./oauthSchema.ts";
import { toMs } from "./pieces.ts";
import { type ProofSettings, toProofs } from "./proofsSchema.ts";
import { type RealtimeSettings, toRealtime } from "./realtimeSchema.ts";
import type { ParsedConfig } from "./schema.ts";
import { type SessionSettings, toSessions } from "./sessionsSchema.ts";
import { toUpstream, type UpstreamSettings } from "./upstreamSchema.ts";
import { toValidation, type ValidationSettings } from "./validationSchema.ts";

/** Everything Hapta was told, frozen to its leaves. Names end in their unit; blocks are "address/bits" texts. */
export type Settings = {
  readonly server: {
    /** 0 = a free port. */
    readonly port: number;
    readonly host: string;
    readonly nodeId: number;
    readonly isMainNode: boolean;
    readonly mainNodeUrl: string;
    /** What was asked for; this version runs one process. */
    readonly threads: number;
    readonly bodyBytesMax: number;
    readonly drainTimeoutMs: number;
    readonly connectionsMax: number;
  };
  readonly security: ProofSettings & {
    readonly secret: Secret | undefined;
    /** Lower case, without port; IPv6 in brackets; empty = any. */
    readonly hosts: readonly string[];
    readonly upstreamTokens: "reject" | "adopt";
    readonly rotationGraceMs: number;
    /** 0 = PocketBase is asked at each refresh. */
    readonly rotationAskEveryMs: number;
    readonly sessions: SessionSettings;
    /** Rows of the event log. */
    readonly eventsMax: number;
    readonly eventsKeptMs: number;
    /** In the spelling of `readOrigin`; empty = any. */
    readonly origins: readonly string[];
    readonly cookies: { readonly isEnabled: boolean; readonly sameSite: "lax" | "strict" };
    readonly adminKey: Secret | undefined;
    readonly rootKey: Secret | undefined;
    readonly clusterSecret: Secret | undefined;
  };
  readonly rateLimit: RateLimitSettings;
  readonly cache: CacheSettings;
  readonly realtime: RealtimeSettings;
  readonly network: { readonly trustedProxies: readonly string[] };
  readonly admin: {
    readonly access: "private" | "public" | "off";
    readonly allowedBlocks: readonly string[];
  };
  readonly upstream: UpstreamSettings;
  readonly oauth2: OAuthSettings;
  readonly files: FileSettings;
  readonly validation: ValidationSettings;
  readonly log: {
    readonly level: "debug" | "info" | "warn" | "error";
    readonly requests: "all" | "errors" | "off";
  };
  /** The whole REDIS_URL: it may hold a password. */
  readonly redisUrl: Secret | undefined;
  /** Absolute path. */
  readonly dataDir: string;
  /** Absolute path. */
  readonly pocketbaseBin: string | undefined;
  readonly pocketbaseDownloadBase: string | undefined;
  readonly fixUpstream: boolean;
  /** Absolute path of the config file that was loaded. */
  readonly configFile: string | undefined;
  /** Sentences the start banner shows: what was accepted but has no effect. */
  readonly notices: readonly string[];
};

/** Checked input: the config with environment and flags laid over it, and what only they can say. */
export type CheckedInput = {
  readonly config: ParsedConfig;
  readonly variables: Variables;
  readonly isMainNode: boolean;
  readonly fixUpstream: boolean;
  readonly configFile: string | undefined;
  readonly cwd: string;
  readonly notices: readonly string[];
};

const DAY_MS = 86_400_000;

/** Makes the frozen Settings from checked input: internal names, milliseconds, absolute paths, Secret values. */
export function toSettings(input: CheckedInput): Settings {
  const { Server, Security, ratelimit, Network, Admin, OAuth2, Files, Realtime, Upstream, Validation, Log } =
    input.config;
  const text = (name: VariableName): string | undefined => input.variables.get(name)?.value;
  const bin = text("HAPTA_POCKETBASE_BIN");
  return deepFreeze({
    server: {
      port: Server.Port,
      host: Server.Host,
      nodeId: Server.NodeId,
      isMainNode: input.isMainNode,
      mainNodeUrl: Server.MainNode,
      threads: Server.threads,
      bodyBytesMax: Server.MaxBodyBytes,
      drainTimeoutMs: toMs(Server.DrainTimeout),
      connectionsMax: Server.MaxConnections,
    },
    security: {
      secret: toSecret(Security.Secret),
      hosts: Security.Hosts,
      upstreamTokens: Security.UpstreamTokens,
      rotationGraceMs: toMs(Security.Rotation.Grace),
      rotationAskEveryMs: toMs(Security.Rotation.AskEvery),
      sessions: toSessions(Security.Sessions),
      eventsMax: Security.Events.MaxRows,
      eventsKeptMs: Security.Events.Days * DAY_MS,
      ...toProofs(Security),
      origins: Security.Origins,
      cookies: { isEnabled: Security.Cookies.isEnabled, sameSite: Security.Cookies.SameSite },
      adminKey: toSecret(text("HAPTA_ADMIN_KEY")),
      rootKey: toSecret(text("HAPTA_ROOT_KEY")),
      clusterSecret: toSecret(text("HAPTA_CLUSTER_SECRET")),
    },
    rateLimit: toRateLimit(ratelimit, Realtime),
    cache: toCacheSettings(input.config.Cache),
    realtime: toRealtime(Realtime),
    network: { trustedProxies: expandRanges(Network.TrustedProxies) },
    admin: { access: Admin.Access, allowedBlocks: Admin.AllowIPs },
    upstream: toUpstream(Upstream, text),
    oauth2: toOAuth(OAuth2),
    files: toFileSettings(Files),
    validation: toValidation(Validation),
    log: { level: Log.Level, requests: Log.Requests },
    redisUrl: toSecret(text("REDIS_URL")),
    dataDir: resolve(input.cwd, text("HAPTA_DATA_DIR") ?? "hapta_data"),
    pocketbaseBin: bin === undefined ? undefined : resolve(input.cwd, bin),
    pocketbaseDownloadBase: text("HAPTA_POCKETBASE_DOWNLOAD")?.replace(/\/+$/, ""),
    fixUpstream: input.fixUpstream,
    configFile: input.configFile,
    notices: input.notices,
  });
}
