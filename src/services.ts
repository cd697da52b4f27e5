// The composition root: builds every part once, from settings, and lets them meet. Nothing else does.
import type { Log } from "./insight/log.ts";
import { type CollectionNames, createCollectionNames } from "./pocketbase/collectionNames.ts";
import type { UpstreamState } from "./pocketbase/connect.ts";
import { createMemberCalls, type MemberCalls } from "./pocketbase/memberCalls.ts";
import type { SuperuserClient } from "./pocketbase/superuser.ts";
import { UpstreamPool } from "./pocketbase/wire/pool.ts";
import { LiveStreams } from "./realtime/liveStreams.ts";
import { createSessions, type Sessions } from "./sessions/sessions.ts";
import type { Settings } from "./settings.ts";
import { type Client, createAddressTest, createClientResolver, type Hop } from "./utils/address.ts";

/** What stages and routes may use. */
export interface Services {
  readonly settings: Settings;
  readonly log: Log;
  readonly pool: UpstreamPool;
  readonly sessions: Sessions;
  readonly streams: LiveStreams;
  readonly memberCalls: MemberCalls;
  readonly collections: CollectionNames;
  /** Where things stand with PocketBase. */
  readonly upstreamState: () => UpstreamState;
  readonly clientOf: (hop: Hop) => Client;
  /** Whether a client may see the dashboard and the superuser-only API (`Admin.Access`, `Admin.AllowIPs`). */
  readonly isAdminClient: (client: Client) => boolean;
  readonly close: () => void;
}

export interface ServicesOptions {
  readonly client: SuperuserClient;
  readonly settings: Settings;
  readonly log: Log;
  readonly upstreamState: () => UpstreamState;
}

export const createServices = ({ settings, log, client, upstreamState }: ServicesOptions): Services => {
  const { upstream, admin, network, security } = settings;
  const pool = new UpstreamPool({
    url: client.url,
    inFlightMax: upstream.inFlightMax,
    queuedMax: upstream.queuedMax,
    streamsMax: upstream.streamsMax,
    queueTimeoutMs: upstream.queueTimeoutMs,
    connectTimeoutMs: upstream.connectTimeoutMs,
    firstByteTimeoutMs: upstream.firstByteTimeoutMs,
    idleTimeoutMs: upstream.idleTimeoutMs,
    totalTimeoutMs: upstream.totalTimeoutMs,
  });
  const memberCalls = createMemberCalls(client.url);
  const collections = createCollectionNames({ client, log });
  const streams = new LiveStreams();
  const sessions = createSessions({
    dataDir: settings.dataDir,
    rootKeyText: security.rootKey?.reveal(),
    graceMs: security.rotationGraceMs,
    probe: memberCalls.probe,
    warn: (message) => log("warn", message),
    onEnded: (ended) => streams.end(ended),
  });
  const isAllowed = createAddressTest(admin.allowedBlocks);
  return {
    settings,
    log,
    pool,
    sessions,
    streams,
    memberCalls,
    collections,
    upstreamState,
    clientOf: createClientResolver(network.trustedProxies),
    isAdminClient: (client) => {
      if (admin.access === "off") return false;
      return (
        admin.access === "public" || client.isPrivate || (!client.isProxied && isAllowed(client.address))
      );
    },
    close: () => {
      pool.close();
      sessions.close();
      collections.close();
    },
  };
};
