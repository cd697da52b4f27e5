// The gateway inside the test's own process: everything between listener and upstream pool is the real thing,
// but deadlines are short, log lines are kept and the upstream may be anything that speaks TCP.

import type { Timeouts } from "../../src/http/connectionOptions.ts";
import type { Listener } from "../../src/http/listener.ts";
import { createPipeline, type Pipeline } from "../../src/pipeline.ts";
import { followUpstream } from "../../src/pocketbase/following.ts";
import { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { createRoutes } from "../../src/routes/ownRoutes.ts";
import { startServer } from "../../src/server.ts";
import { createServices, type Services } from "../../src/services.ts";
import { configSchema, type UserConfig } from "../../src/settings/schema.ts";
import { type Settings, toSettings } from "../../src/settings/settingsShape.ts";
import { Secret } from "../../src/utils/secret.ts";
import { createScratch } from "../support/scratch.ts";

/** One log line. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface GatewayOptions {
  readonly config?: UserConfig;
  /** Deadlines of client connections. */
  readonly timeouts?: Partial<Timeouts>;
  /** Stands between listener and pipeline, to watch or to break. */
  readonly wrap?: (pipeline: Pipeline, services: Services) => Pipeline;
  /** Swaps parts for broken ones. */
  readonly replace?: (services: Services) => Services;
  /** For the control plane; nobody when absent. */
  readonly superuser?: SuperuserClient;
}

/** A gateway that listens on a free loopback port. */
export interface TestGateway extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly services: Services;
  readonly listener: Listener;
  readonly lines: readonly LogLine[];
}

/** Settings as a config file would give them. */
export const settingsOf = (config: UserConfig = {}, cwd = "/"): Settings =>
  toSettings({
    config: configSchema.parse(config),
    variables: new Map(),
    isMainNode: true,
    fixUpstream: false,
    configFile: undefined,
    cwd,
    notices: [],
  });

const NOBODY = new SuperuserClient({
  url: "http://127.0.0.1:9",
  email: "nobody@example.com",
  password: new Secret("nobody"),
});

/** Starts a gateway in front of `upstreamUrl`; disposing cuts every connection. */
export const startGateway = (upstreamUrl: string, options: GatewayOptions = {}): TestGateway => {
  const lines: LogLine[] = [];
  const scratch = createScratch("gateway");
  // Unless told otherwise, the control plane asks where nobody answers: the upstream under test sees visitors only.
  const following = followUpstream(options.superuser ?? NOBODY, () => undefined);
  const made = createServices({
    settings: settingsOf(options.config, scratch.path),
    log: (level, message, fields = {}) => lines.push({ level, message, fields }),
    following,
    upstreamUrl,
    rereadSettings: () => Promise.reject(new Error("not here")),
    isPlain: () => false,
    upstreamState: () => ({ kind: "ready", sinceMs: 0, findings: [] }),
  });
  const services = options.replace?.(made) ?? made;
  const real = createPipeline(services, createRoutes(services));
  const listener = startServer(options.wrap?.(real, services) ?? real, {
    host: "127.0.0.1",
    port: 0,
    connectionsMax: services.settings.server.connectionsMax,
    ...(options.timeouts === undefined ? {} : { timeouts: options.timeouts }),
  });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    port: listener.port,
    services,
    listener,
    lines,
    [Symbol.asyncDispose]: () => {
      listener.cut();
      services.close();
      following.close();
      scratch[Symbol.dispose]();
      return Promise.resolve();
    },
  };
};
