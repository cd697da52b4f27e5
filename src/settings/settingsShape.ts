// The one typed value all of Hapta is configured by, and its making from checked input. Judges nothing.
import { resolve } from "node:path";
import type { Rule } from "../limits/rules.ts";
import type { SessionLimits } from "../sessions/sessionContext.ts";
import { deepFreeze } from "../utils/deepFreeze.ts";
import { expandRanges } from "../utils/proxyRanges.ts";
import { Secret } from "../utils/secret.ts";
import { type CacheSettings, toCacheSettings } from "./cacheSchema.ts";
import type { VariableName, Variables } from "./environment.ts";
import { type FileSettings, toFileSettings } from "./filesSchema.ts";
import { toRules } from "./limitsSchema.ts";
import { type RealtimeSettings, toRealtime } from "./realtimeSchema.ts";
import type { ParsedConfig } from "./schema.ts";
import { toValidation, type ValidationSettings } from "./validationSchema.ts";

/** How long sessions last and how many a record may have; impersonation lasts as PocketBase says. */
type SessionSettings = Readonly<Record<"record" | "superuser", SessionLimits>>;

/** An app that signs its requests. */
export type AppSettings = {
  readonly id: string;
  /** Any of them counts. */
  readonly secrets: readonly Secret[];
  /** A server that acts for several browsers: the sessions it touches have several honest devices. */
  readonly isConfidential: boolean;
  /** A session that this app opened counts only in requests that it signed. */
  readonly isRequired: boolean;
};

/** What a write takes besides PocketBase's rules. */
export type WriteSettings = {
  /** Ids of the apps that may write; undefined = any, or none at all. */
  readonly appIds: readonly string[] | undefined;
  readonly needsBoundSession: boolean;
  readonly needsSession: boolean;
};

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
  readonly security: {
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
    readonly apps: readonly AppSettings[];
    readonly dpop: "off" | "optional" | "required";
    /** What writes to a collection take, by its name or id as the config file spells it. */
    readonly writes: ReadonlyMap<string, WriteSettings>;
    /** In the spelling of `readOrigin`; empty = any. */
    readonly origins: readonly string[];
    readonly cookies: { readonly isEnabled: boolean; readonly sameSite: "lax" | "strict" };
    readonly adminKey: Secret | undefined;
    readonly rootKey: Secret | undefined;
    readonly clusterSecret: Secret | undefined;
  };
  readonly rateLimit: {
    readonly isEnabled: boolean;
    /** Every rule is a shadow rule. */
    readonly isShadow: boolean;
    readonly message: string;
    /** The default rule first. */
    readonly rules: readonly Rule[];
    /** The user has written none, so PocketBase's own count. */
    readonly importsRules: boolean;
    readonly keysMax: number;
    readonly connectionsPerAddressMax: number;
    readonly inFlightPerAddressMax: number;
    readonly inFlightPerUserMax: number;
    readonly streamsPerAddressMax: number;
    readonly streamsPerSessionMax: number;
  };
  readonly cache: CacheSettings;
  readonly realtime: RealtimeSettings;
  readonly network: { readonly trustedProxies: readonly string[] };
  readonly admin: {
    readonly access: "private" | "public" | "off";
    readonly allowedBlocks: readonly string[];
  };
  readonly upstream: {
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
  };
  readonly oauth2: {
    /** Absolute URLs, compared exactly. */
    readonly redirectUrls: readonly string[];
    readonly verifiers: "issued" | "any";
    readonly isDeviceLoginEnabled: boolean;
    /** Without a trailing slash; undefined = what the visitor typed. */
    readonly publicUrl: string | undefined;
    /** Issuer of each provider that has a fixed one. */
    readonly issuers: Readonly<Record<string, string>>;
  };
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

const toMs = (seconds: number): number => Math.round(seconds * 1000);

const toSecret = (text: string | undefined): Secret | undefined =>
  text === undefined ? undefined : new Secret(text);

function toUpstream(
  config: ParsedConfig,
  text: (name: VariableName) => string | undefined,
): Settings["upstream"] {
  const { Upstream } = config;
  const url = text("DB_URL");
  return {
    url: url === undefined ? undefined : new URL(url).origin,
    adminEmail: text("ADMIN_EMAIL"),
    adminPassword: toSecret(text("ADMIN_PASSWORD")),
    inFlightMax: Upstream.MaxInFlight,
    queuedMax: Upstream.MaxQueued,
    streamsMax: Upstream.MaxStreams,
    queueTimeoutMs: toMs(Upstream.QueueTimeout),
    connectTimeoutMs: toMs(Upstream.ConnectTimeout),
    firstByteTimeoutMs: toMs(Upstream.FirstByteTimeout),
    idleTimeoutMs: toMs(Upstream.IdleTimeout),
    totalTimeoutMs: toMs(Upstream.TotalTimeout),
    uploadBytesPerSecondMin: Upstream.MinUploadRate,
    downloadBytesPerSecondMin: Upstream.MinDownloadRate,
    guardSecret: toSecret(Upstream.GuardSecret),
  };
}

function toProofs({
  Apps,
  DPoP,
  Collections,
}: ParsedConfig["Security"]): Pick<Settings["security"], "apps" | "dpop" | "writes"> {
  const apps = Apps.map(({ Id, Secret: one, Secrets = [], isConfidential, isRequired }) => ({
    id: Id,
    secrets: one === undefined ? Secrets : [one, ...Secrets],
    isConfidential,
    isRequired,
  }));
  const writes = Object.entries(Collections).map(([name, { Write }]): [string, WriteSettings] => [
    name,
    {
      appIds: Write.Apps,
      needsBoundSession: Write.DPoP === true,
      needsSession: Write.Session === true,
    },
  ]);
  return { apps, dpop: DPoP, writes: new Map(writes) };
}

function toSessions(given: ParsedConfig["Security"]["Sessions"]): SessionSettings {
  const { MaxPerUser: perRecordMax } = given;
  return {
    record: { idleMs: toMs(given.Idle), absoluteMs: toMs(given.Absolute), perRecordMax },
    superuser: { idleMs: toMs(given.SuperuserIdle), absoluteMs: toMs(given.SuperuserAbsolute), perRecordMax },
  };
}

const toRateLimit = ({ ratelimit, Realtime }: ParsedConfig): Settings["rateLimit"] => ({
  isEnabled: ratelimit.isEnabled,
  isShadow: ratelimit.Shadow,
  message: ratelimit.Message,
  rules: toRules(ratelimit),
  importsRules: ratelimit.Rules.length === 0,
  keysMax: ratelimit.MaxKeys,
  connectionsPerAddressMax: ratelimit.MaxConnectionsPerAddress,
  inFlightPerAddressMax: ratelimit.MaxInFlightPerAddress,
  inFlightPerUserMax: ratelimit.MaxInFlightPerUser,
  streamsPerAddressMax: Realtime.MaxClientsPerAddress,
  streamsPerSessionMax: Realtime.MaxClientsPerSession,
});

/** Makes the frozen Settings from checked input: internal names, milliseconds, absolute paths, Secret values. */
export function toSettings(input: CheckedInput): Settings {
  const { Server, Security, Network, Admin, OAuth2, Files, Realtime, Validation, Log } = input.config;
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
    rateLimit: toRateLimit(input.config),
    cache: toCacheSettings(input.config.Cache),
    realtime: toRealtime(Realtime),
    network: { trustedProxies: expandRanges(Network.TrustedProxies) },
    admin: { access: Admin.Access, allowedBlocks: Admin.AllowIPs },
    upstream: toUpstream(input.config, text),
    oauth2: {
      redirectUrls: OAuth2.RedirectURLs,
      verifiers: OAuth2.Verifiers,
      isDeviceLoginEnabled: OAuth2.DeviceLogin,
      publicUrl: OAuth2.PublicURL === "" ? undefined : OAuth2.PublicURL.replace(/\/+$/, ""),
      issuers: OAuth2.Issuers,
    },
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
