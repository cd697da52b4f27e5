// The composition root: builds every part once, from settings, and lets them meet. Nothing else does.
import type { Log } from "./insight/log.ts";
import type { UpstreamState } from "./pocketbase/connect.ts";
import { UpstreamPool } from "./pocketbase/wire/pool.ts";
import type { Settings } from "./settings.ts";
import { type Client, createAddressTest, createClientResolver, type Hop } from "./utils/address.ts";

/** What stages and routes may use. */
export interface Services {
  readonly settings: Settings;
  readonly log: Log;
  readonly pool: UpstreamPool;
  /** Where things stand with PocketBase. */
  readonly upstreamState: () => UpstreamState;
  readonly clientOf: (hop: Hop) => Client;
  /** Whether a client may see the dashboard and the superuser-only API (`Admin.Access`, `Admin.AllowIPs`). */
  readonly isAdminClient: (client: Client) => boolean;
  readonly close: () => void;
}

export interface ServicesOptions {
  readonly settings: Settings;
  readonly log: Log;
  /** `http://host:port` of PocketBase. */
  readonly upstreamUrl: string;
  readonly upstreamState: () => UpstreamState;
}

export const createServices = ({ settings, log, upstreamUrl, upstreamState }: ServicesOptions): Services => {
  const { upstream, admin, network } = settings;
  const pool = new UpstreamPool({
    url: upstreamUrl,
    inFlightMax: upstream.inFlightMax,
    queuedMax: upstream.queuedMax,
    streamsMax: upstream.streamsMax,
    queueTimeoutMs: upstream.queueTimeoutMs,
    connectTimeoutMs: upstream.connectTimeoutMs,
    firstByteTimeoutMs: upstream.firstByteTimeoutMs,
    idleTimeoutMs: upstream.idleTimeoutMs,
    totalTimeoutMs: upstream.totalTimeoutMs,
  });
  const isAllowed = createAddressTest(admin.allowedBlocks);
  return {
    settings,
    log,
    pool,
    upstreamState,
    clientOf: createClientResolver(network.trustedProxies),
    isAdminClient: (client) => {
      if (admin.access === "off") return false;
      return (
        admin.access === "public" || client.isPrivate || (!client.isProxied && isAllowed(client.address))
      );
    },
    close: () => pool.close(),
  };
};
