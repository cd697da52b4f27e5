// From settings to a serving process: finds or starts PocketBase, builds the gateway, listens, says so.
import { renderBanner } from "./banner.ts";
import type { Listener } from "./http/listener.ts";
import { createLog, type Log } from "./insight/log.ts";
import { createPipeline } from "./pipeline.ts";
import { findBinary } from "./pocketbase/binary.ts";
import { BootError, toBootError } from "./pocketbase/bootError.ts";
import { connectUpstream, type UpstreamWatch } from "./pocketbase/connect.ts";
import { seedDemo } from "./pocketbase/demo/seed.ts";
import { startEmbedded } from "./pocketbase/embedded.ts";
import { type Following, followUpstream } from "./pocketbase/following.ts";
import { SuperuserClient } from "./pocketbase/superuser.ts";
import { createRoutes } from "./routes/ownRoutes.ts";
import { startServer } from "./server.ts";
import { createServices, type Services } from "./services.ts";
import { SessionStartError } from "./sessions/rootKey.ts";
import type { Settings } from "./settings.ts";

/** A running gateway. */
export interface Gateway {
  readonly port: number;
  /** Takes the limits of the config file over; a file that is not valid is logged and changes nothing. */
  reload(): Promise<void>;
  /** Lets requests finish within the drain deadline, then stops everything this process started. */
  stop(): Promise<void>;
  /** Ends at once, cutting what is under way. */
  kill(): Promise<void>;
}

/** What a start is given beside the settings. */
export interface BootOptions {
  /** The environment, for the embedded PocketBase. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Reads the settings once more. @throws SettingsError */
  readonly rereadSettings: () => Promise<Settings>;
}

interface Origin {
  readonly client: SuperuserClient;
  readonly isEmbedded: boolean;
  /** Whether it is known that PocketBase runs no code but its own. */
  readonly isPlain: () => boolean;
  readonly close: () => Promise<void>;
}

/** @throws BootError in one sentence; nothing is left running then. */
export const boot = async (settings: Settings, { env, rereadSettings }: BootOptions): Promise<Gateway> => {
  const { log, flush } = createLog(settings.log.level);
  const upstream = await openUpstream(settings, { env, log });
  const { watch, following } = upstream;
  const closeUpstream = async (): Promise<void> => {
    await upstream.close();
    flush();
  };
  let services: Services;
  try {
    services = createServices({
      settings,
      log,
      upstreamUrl: upstream.client.url,
      following,
      upstreamState: () => watch.state(),
      isPlain: upstream.isPlain,
      rereadSettings,
    });
  } catch (error) {
    await closeUpstream();
    throw error instanceof SessionStartError
      ? new BootError(error.message, { cause: error })
      : toBootError("Cannot open the session store", error);
  }
  watch.onSettings(createRuleImport(services));
  const pipeline = createPipeline(services, createRoutes(services));
  const shutDown = async (): Promise<void> => {
    services.close();
    await closeUpstream();
  };
  let listener: Listener;
  try {
    const { host, port, connectionsMax } = settings.server;
    const { downloadBytesPerSecondMin } = settings.upstream;
    const { peers } = services;
    listener = startServer(pipeline, { host, port, connectionsMax, peers, downloadBytesPerSecondMin });
  } catch (error) {
    await shutDown();
    throw new BootError(explainListen(error, settings), { cause: error });
  }
  process.stdout.write(renderBanner({ settings, port: listener.port, isEmbedded: upstream.isEmbedded }));
  return {
    port: listener.port,
    reload: async () => void (await services.reload()),
    stop: async () => {
      services.hub.drain();
      await listener.drain(settings.server.drainTimeoutMs);
      await shutDown();
    },
    kill: async () => {
      listener.cut();
      await shutDown();
    },
  };
};

// A restart may be over before the watch has seen PocketBase away, but it always cuts the feed. The first gap is no cut:
// it is told when the feed connects.
const recheckAfterGaps = ({ changes }: Following, watch: UpstreamWatch): void => {
  let isConnected = false;
  changes.onGap(() => {
    if (isConnected) watch.recheck();
    isConnected = true;
  });
};

/** Takes PocketBase's rate-limit rules over each time they were read; the log has them when they are new. */
const createRuleImport = ({ limits, log }: Services): ((upstreamSettings: unknown) => void) => {
  let told = "";
  return (upstreamSettings) => {
    const imported = limits.importRules(upstreamSettings);
    const { rules, skipped } = imported;
    const isNews = told !== JSON.stringify(imported);
    told = JSON.stringify(imported);
    if (!isNews || !limits.isEnabled || (rules.length === 0 && skipped.length === 0)) return;
    const isTaken = limits.config.importsRules;
    log(
      "info",
      isTaken
        ? `PocketBase's ${rules.length} rate-limit rules count in Hapta now; its own limiter is no longer needed.`
        : "PocketBase's rate limiter is on beside ratelimit.Rules; it is no longer needed.",
      isTaken && skipped.length > 0 ? { skipped } : {},
    );
  };
};

/** PocketBase with everything of the control plane that asks it. */
interface Upstream extends Origin {
  readonly watch: UpstreamWatch;
  readonly following: Following;
}

const openUpstream = async (settings: Settings, options: OriginOptions): Promise<Upstream> => {
  const { log } = options;
  const origin = await openOrigin(settings, options);
  const fix = settings.fixUpstream || origin.isEmbedded;
  const watch = connectUpstream({ client: origin.client, fix, log });
  const following = followUpstream(origin.client, log);
  recheckAfterGaps(following, watch);
  return {
    ...origin,
    watch,
    following,
    close: async () => {
      following.close();
      await watch.close();
      await origin.close();
    },
  };
};

interface OriginOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

const openOrigin = async (settings: Settings, { env, log }: OriginOptions): Promise<Origin> => {
  const { url, adminEmail, adminPassword } = settings.upstream;
  if (url !== undefined && adminEmail !== undefined && adminPassword !== undefined) {
    const guard = settings.upstream.guardSecret;
    const client = new SuperuserClient({ url, email: adminEmail, password: adminPassword, guard });
    return { client, isEmbedded: false, isPlain: () => false, close: () => Promise.resolve() };
  }
  const { dataDir, server } = settings;
  const publicUrl = `http://localhost:${server.port}`;
  const binary = await findBinary({
    dataDir,
    cwd: process.cwd(),
    log,
    bin: settings.pocketbaseBin,
    releasesUrl: settings.pocketbaseDownloadBase,
  });
  const embedded = await startEmbedded({ dataDir, bin: binary.path, log, publicUrl, env });
  try {
    const client = new SuperuserClient({ url: embedded.url, ...embedded.superuser });
    await seedDemo({ client, dataDir, log });
    const isPlain = () => binary.origin !== "given" && !embedded.runsScripts();
    return { client, isEmbedded: true, isPlain, close: () => embedded.close() };
  } catch (error) {
    await embedded.close();
    throw error;
  }
};

const explainListen = (error: unknown, settings: Settings): string => {
  const { host, port } = settings.server;
  const code = error instanceof Error ? Reflect.get(error, "code") : undefined;
  if (code === "EADDRINUSE")
    return `Port ${port} is already in use. Stop what uses it or choose another with --port.`;
  if (code === "EACCES")
    return `Port ${port} needs more rights than this process has. Choose one above 1023 with --port.`;
  return `Hapta can't listen on ${host}:${port}. Check Server.Host and Server.Port (or --host and --port).`;
};
