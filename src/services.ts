// The composition root: builds every part once, from settings, and lets them meet. Nothing else does.
import { mkdirSync } from "node:fs";

import { Cache } from "./cache/cache.ts";
import { followFeed } from "./cache/followFeed.ts";
import { callerOf, callersOf, EVERYTHING } from "./cache/written.ts";
import { type KeptFiles, openFileCache } from "./files/keptFiles.ts";
import { openUploads, type Uploads } from "./files/uploads.ts";
import type { PeerBound } from "./http/listener.ts";
import type { Log } from "./insight/log.ts";
import type { Limits } from "./limits/limits.ts";
import { type OpenedLimits, openLimits } from "./limits/openLimits.ts";
import { createPeerBound, createStrangerWarning } from "./limits/peers.ts";
import { createOAuth, type OAuth } from "./oauth/oauth.ts";
import type { BatchItemsMax } from "./pocketbase/batchItemsMax.ts";
import { type CacheGate, createCacheGate } from "./pocketbase/cacheGate.ts";
import type { UpstreamState } from "./pocketbase/connect.ts";
import type { FileKey } from "./pocketbase/fileKey.ts";
import type { Following } from "./pocketbase/following.ts";
import type { LiveSchema } from "./pocketbase/liveSchema.ts";
import { createMemberCalls, type MemberCalls } from "./pocketbase/memberCalls.ts";
import { createOAuthCalls, type OAuthCalls } from "./pocketbase/oauthCalls.ts";
import { createOpenRealtime } from "./pocketbase/realtimeStream.ts";
import { createVisibleRecords } from "./pocketbase/visibleRecords.ts";
import { UpstreamPool } from "./pocketbase/wire/pool.ts";
import { Channels } from "./realtime/channels.ts";
import { Hub } from "./realtime/hub.ts";
import { createReplayJudge } from "./rules/replays.ts";
import { keepHourly } from "./sessions/keepHourly.ts";
import type { Ended } from "./sessions/sessionContext.ts";
import { createSessions, type Sessions } from "./sessions/sessions.ts";
import { WritesInFlight } from "./sessions/writesInFlight.ts";
import { type Settings, SettingsError } from "./settings.ts";
import { type Client, createClientResolver, type Hop } from "./utils/address.ts";
import { createAdminTest } from "./utils/adminTest.ts";

/** What stages and routes may use. */
export interface Services {
  readonly settings: Settings;
  readonly log: Log;
  readonly pool: UpstreamPool;
  readonly sessions: Sessions;
  readonly oauth: OAuth;
  readonly oauthCalls: OAuthCalls;
  readonly hub: Hub;
  readonly channels: Channels;
  readonly writes: WritesInFlight;
  readonly limits: Limits;
  readonly memberCalls: MemberCalls;
  readonly collections: LiveSchema;
  readonly cache: Cache;
  readonly cacheGate: CacheGate;
  /** Undefined when downloads are not kept. */
  readonly files: KeptFiles | undefined;
  readonly uploads: Uploads;
  /** PocketBase's token for files whose URL Hapta has signed. */
  readonly fileKey: FileKey;
  readonly batchItemsMax: BatchItemsMax;
  /** Where things stand with PocketBase. */
  readonly upstreamState: () => UpstreamState;
  readonly clientOf: (hop: Hop) => Client;
  /** How many connections one socket peer may have. */
  readonly peers: PeerBound;
  /** Whether a client may see the dashboard and the superuser-only API (`Admin.Access`, `Admin.AllowIPs`). */
  readonly isAdminClient: (client: Client) => boolean;
  /** Reads the settings again and takes the limits over. @returns what is wrong with them; then nothing changed. */
  readonly reload: () => Promise<readonly string[]>;
  readonly close: () => void;
}

export interface ServicesOptions {
  readonly settings: Settings;
  readonly log: Log;
  /** Base address of PocketBase. */
  readonly upstreamUrl: string;
  readonly following: Following;
  readonly upstreamState: () => UpstreamState;
  /** Reads the settings once more. @throws SettingsError */
  readonly rereadSettings: () => Promise<Settings>;
}

/** @throws SessionStartError when the session store cannot be opened. */
export const createServices = (options: ServicesOptions): Services => {
  const { settings, log, upstreamUrl, following, upstreamState } = options;
  const pool = createPool(settings, upstreamUrl);
  const guard = settings.upstream.guardSecret;
  const memberCalls = createMemberCalls(upstreamUrl, guard);
  const oauthCalls = createOAuthCalls(upstreamUrl, { guard, redeemMs: settings.upstream.firstByteTimeoutMs });
  const writes = new WritesInFlight();
  const cache = new Cache(settings.cache);
  mkdirSync(settings.dataDir, { recursive: true, mode: 0o700 });
  const sessions = openSessions(options, memberCalls, (ended) => {
    hub.end(ended);
    writes.end(ended);
    forgetCallers(cache, ended);
  });
  const { hub, channels } = openRealtime(options, pool, sessions);
  noteSecret(sessions, settings, log);
  const { limits, close: closeLimits } = createLimits(options);
  endWithLogins(sessions, { following, cache, log });
  followFeed(cache.changes, following);
  const cacheGate = createCacheGate(following);
  const stopKeeping = keepHourly(sessions, log);
  const oauth = openOAuth(settings, sessions, oauthCalls);
  return {
    settings,
    log,
    pool,
    sessions,
    oauth,
    oauthCalls,
    hub,
    channels,
    writes,
    limits,
    memberCalls,
    collections: following.collections,
    cache,
    cacheGate,
    files: openFiles(options, cache, cacheGate),
    uploads: openUploads(settings.dataDir, settings.files.spoolBytesMax),
    fileKey: following.fileKey,
    batchItemsMax: following.batchItemsMax,
    upstreamState,
    clientOf: createClientResolver(settings.network.trustedProxies, createStrangerWarning(log)),
    peers: createPeerBound(limits, settings.network.trustedProxies),
    isAdminClient: createAdminTest(settings.admin),
    reload: createReload(options, limits),
    close: () => {
      closeLimits();
      stopKeeping();
      for (const part of [hub, channels, pool, oauth, sessions]) part.close();
    },
  };
};

const openRealtime = (
  { settings, upstreamUrl, following: { collections }, log }: ServicesOptions,
  pool: UpstreamPool,
  sessions: Sessions,
): Pick<Services, "hub" | "channels"> => {
  const { realtime, upstream } = settings;
  const hub = new Hub({
    ...realtime,
    upstreamsMax: upstream.streamsMax,
    open: createOpenRealtime(pool),
    mayReplay: createReplayJudge(collections, createVisibleRecords(upstreamUrl, upstream.guardSecret)),
    sessions,
    log,
  });
  collections.onChange(() => hub.forgetHistory());
  return { hub, channels: new Channels(realtime.channels) };
};

const openSessions = (
  { settings: { dataDir, security }, log }: ServicesOptions,
  { probe }: MemberCalls,
  onEnded: (ended: Ended) => void,
): Sessions =>
  createSessions({
    dataDir,
    rootKeyText: security.rootKey?.reveal(),
    graceMs: security.rotationGraceMs,
    limits: security.sessions,
    requiresKey: security.dpop === "required",
    probe,
    warn: (message) => log("warn", message),
    eventsMax: security.eventsMax,
    eventsKeptMs: security.eventsKeptMs,
    onEnded,
  });

const openFiles = ({ settings, log }: ServicesOptions, { versions, changes }: Cache, gate: CacheGate) =>
  openFileCache({
    dataDir: settings.dataDir,
    bytesMax: settings.files.cacheBytesMax,
    warn: (message) => log("warn", message),
    // Whether it is there is all that decides: files that a rule guards are not kept.
    lease: (collectionId, recordId) => {
      const by = { field: "id", value: JSON.stringify(recordId) };
      return versions.lease(changes.interests.namesOf({ collectionId, fields: undefined, by }));
    },
    isClosed: (collectionId) => gate.closedBecause() !== undefined || !gate.follows(collectionId),
    reopened: gate.reopened,
  });

const openOAuth = (settings: Settings, sessions: Sessions, { loginMethods }: OAuthCalls): OAuth =>
  createOAuth({
    dataDir: settings.dataDir,
    keyFor: (use) => sessions.root.derive("oauth", use),
    loginMethods,
    isCapped: settings.rateLimit.isEnabled,
    now: Date.now,
  });

const createLimits = ({ settings, following: { collections }, log }: ServicesOptions): OpenedLimits => {
  const opened = openLimits({
    dataDir: settings.dataDir,
    config: settings.rateLimit,
    keysMax: settings.rateLimit.keysMax,
    collectionOf: (segment) => collections.find(segment),
    warn: (message) => log("warn", message),
  });
  collections.onChange(() => opened.limits.forgetCollections());
  return opened;
};

// What is wrong changes nothing; only limits can change at all.
const createReload =
  ({ rereadSettings, settings, log }: ServicesOptions, limits: Limits) =>
  async (): Promise<readonly string[]> => {
    try {
      const { rateLimit } = await rereadSettings();
      limits.reconfigure(rateLimit);
      log("info", "The limits of the config file were taken over.");
      if (rateLimit.keysMax !== settings.rateLimit.keysMax)
        log("warn", "ratelimit.MaxKeys counts from the next start on.");
      return [];
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      log("warn", "The limits stay as they are: the config file is not valid.", { problems: error.problems });
      return error.problems;
    }
  };

// The hub keeps to the bound of streams; while one is renewed there are two of it.
const createPool = ({ upstream }: Settings, url: string): UpstreamPool =>
  new UpstreamPool({ ...upstream, url, streamsMax: 2 * upstream.streamsMax, guard: upstream.guardSecret });

// Whoever logs in next under the same name may be seen differently.
const forgetCallers = ({ versions }: Cache, { cid, uid }: Ended): void => {
  if (cid === undefined) versions.move([EVERYTHING], "the end of sessions");
  else
    versions.move(
      [uid === undefined || uid === "" ? callersOf(cid) : callerOf(cid, uid)],
      "the end of a session",
    );
};

interface LoginsContext {
  readonly following: Following;
  readonly cache: Cache;
  readonly log: Log;
}

// A change of a record that can log in, made by whomever, may have ended its logins: they are asked about, and what its
// sessions were answered meanwhile goes afterwards: PocketBase may have taken them for guests.
const endWithLogins = (sessions: Sessions, { following, cache, log }: LoginsContext): void => {
  following.changes.onEvent(({ action, collectionId, recordId }) => {
    if (action === "create" || following.collections.find(collectionId)?.type !== "auth") return;
    const caller = [callerOf(collectionId, recordId)];
    const subject = { cid: collectionId, uid: recordId };
    const ending: Promise<unknown> =
      action === "delete"
        ? sessions.revoke({ kind: "record", ...subject }, { reason: "record_deleted" })
        : sessions.checkRecord(subject);
    ending
      .catch((error) =>
        log("warn", "sessions of a changed record could not be checked", { error: String(error) }),
      )
      .finally(() => cache.versions.move(caller, "a check of its sessions"));
  });
};

// Said once and not at every start: a config that draws a new secret each time is common, and harmless here.
const noteSecret = (sessions: Sessions, { security }: Settings, log: Log): void => {
  if (security.secret === undefined) return;
  sessions.keys
    .noteSecret(security.secret.reveal())
    .then((note) => {
      if (note !== "changed") return;
      log(
        "warn",
        "Security.Secret is not the one of the last start; sessions do not depend on it and are kept",
      );
    })
    .catch((error) => log("warn", "Security.Secret could not be compared", { error: String(error) }));
};
