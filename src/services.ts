// The composition root: builds every part once, from settings, and lets them meet. Nothing else does.
import { mkdirSync } from "node:fs";
import { Cache } from "./cache/cache.ts";
import { withEchoes } from "./cache/echoes.ts";
import { followFeed } from "./cache/followFeed.ts";
import { type KeptFiles, openFileCache } from "./files/keptFiles.ts";
import { openUploads, type Uploads } from "./files/uploads.ts";
import type { PeerBound } from "./http/listener.ts";
import type { Log } from "./insight/log.ts";
import type { Limits } from "./limits/limits.ts";
import { createPeerBound, createStrangerWarning } from "./limits/peers.ts";
import { createOAuth, type OAuth } from "./oauth/oauth.ts";
import type { BatchItemsMax } from "./pocketbase/batchItemsMax.ts";
import { type CacheGate, createCacheGate } from "./pocketbase/cacheGate.ts";
import type { UpstreamState } from "./pocketbase/connect.ts";
import type { FileKey } from "./pocketbase/fileKey.ts";
import type { LiveSchema } from "./pocketbase/liveSchema.ts";
import { createMemberCalls, type MemberCalls } from "./pocketbase/memberCalls.ts";
import { createOAuthCalls, type OAuthCalls } from "./pocketbase/oauthCalls.ts";
import { createOpenRealtime } from "./pocketbase/realtimeStream.ts";
import { createVisibleRecords } from "./pocketbase/visibleRecords.ts";
import { UpstreamPool } from "./pocketbase/wire/pool.ts";
import { Channels } from "./realtime/channels.ts";
import { FedTopics } from "./realtime/fedTopics.ts";
import { Hub } from "./realtime/hub.ts";
import { createDecidableTopics } from "./rules/decidableTopics.ts";
import { createReplayJudge } from "./rules/replays.ts";
import { createLimits, createReload } from "./services/createLimits.ts";
import { endWithLogins, forgetCallers } from "./services/endings.ts";
import { openSessions } from "./services/openSessions.ts";
import type { ServicesOptions } from "./services/servicesOptions.ts";
import { keepHourly } from "./sessions/keepHourly.ts";
import type { Sessions } from "./sessions/sessions.ts";
import { WritesInFlight } from "./sessions/writesInFlight.ts";
import type { Settings } from "./settings.ts";
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
  const { hub, channels } = openRealtime(options, pool, { sessions, cache });
  const { limits, close: closeLimits } = createLimits(options);
  endWithLogins(options, { sessions, cache, hub });
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
  { settings, upstreamUrl, following, log, isPlain }: ServicesOptions,
  pool: UpstreamPool,
  { sessions, cache }: Pick<Services, "sessions" | "cache">,
): Pick<Services, "hub" | "channels"> => {
  const { realtime, upstream } = settings;
  const { changes, collections, currentRecords } = following;
  const open = createOpenRealtime(pool);
  const find = (segment: string) => collections.find(segment);
  const read = createDecidableTopics(collections);
  const mayDecide = () => realtime.decides === true || isPlain();
  // A session that nobody can ask about is not known to count.
  const isAlive = (session: { readonly id: string }) => sessions.confirm(session).catch(() => false);
  const hub = new Hub({
    ...realtime,
    fed:
      realtime.decides !== false && mayDecide()
        ? new FedTopics({ changes, collections, read, isAlive, currentRecords, mayDecide })
        : undefined,
    upstreamsMax: upstream.streamsMax,
    open: settings.cache.isEnabled ? withEchoes(open, cache.changes, find) : open,
    mayReplay: createReplayJudge(collections, createVisibleRecords(upstreamUrl, upstream.guardSecret)),
    sessions,
    log,
  });
  collections.onChange(() => hub.forgetHistory());
  return { hub, channels: new Channels(realtime.channels) };
};

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

// The hub keeps to the bound of streams; while one is renewed there are two of it.
const createPool = ({ upstream }: Settings, url: string): UpstreamPool =>
  new UpstreamPool({ ...upstream, url, streamsMax: 2 * upstream.streamsMax, guard: upstream.guardSecret });
