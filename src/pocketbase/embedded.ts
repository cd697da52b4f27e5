// Runs a PocketBase of Hapta's own: data folder, superuser, free port, supervision, first settings.
// Seeds nothing and checks nothing that an outside PocketBase would need checked.
import { join, resolve } from "node:path";
import type { Log } from "../insight/log.ts";
import { BootError } from "./bootError.ts";
import { startChild } from "./childProcess.ts";
import { type Clock, systemClock } from "./clock.ts";
import { claimDataDir } from "./dataDir.ts";
import { createCodeLookout } from "./ownCode.ts";
import { freeLoopbackPort } from "./port.ts";
import { field, SuperuserClient } from "./superuser.ts";
import { ensureSuperuser, explainExit } from "./superuserCommand.ts";
import { keepSuperuserLogin, type SuperuserLogin, superuserFilePath } from "./superuserFile.ts";
import { FailedStart, type Supervisor, supervise } from "./supervisor.ts";

/** How to run it. Times have defaults. */
export type EmbeddedOptions = {
  /** HAPTA_DATA_DIR; made with mode 0700 when missing. */
  readonly dataDir: string;
  /** The program, from `findBinary`. */
  readonly bin: string;
  readonly log: Log;
  /** Hapta's public address, for links in PocketBase's mails. */
  readonly publicUrl: string;
  /** The process's environment; PocketBase gets it without Hapta's own settings and secrets. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock?: Clock;
  /** 30 s when absent. */
  readonly startDeadlineMs?: number;
  /** 5 s when absent. */
  readonly stopDeadlineMs?: number;
  /** First pause before a restart; 250 ms when absent, doubling up to 15 s. */
  readonly backOffMs?: number;
};

/** A running PocketBase that belongs to this process. */
export type EmbeddedPocketBase = {
  /** Such as `http://127.0.0.1:24817`; stays the same over restarts. */
  readonly url: string;
  readonly superuser: SuperuserLogin;
  /** Process id of the present run; undefined between runs. */
  pid(): number | undefined;
  /** Whether scripts of the user's, hooks or migrations, may have been running in it at any time until now. */
  runsScripts(): boolean;
  /** Stops it and gives the data folder back. May be called more than once. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
};

const START_DEADLINE_MS = 30_000;
const STOP_DEADLINE_MS = 5_000;
const BACK_OFF_MS = 250;
const BACK_OFF_MAX_MS = 15_000;
const STABLE_AFTER_MS = 60_000;
const HEALTH_DEADLINE_MS = 1_000;
const PORT_TRIES_MAX = 5;

/**
 * Starts PocketBase under `dataDir`: records and files in `pb_data`, migrations of the user's in
 * `pb_migrations`, custom routes and other hooks in `pb_hooks`, static files in `pb_public`.
 * It ends with this process, however that ends.
 *
 * @returns when PocketBase answers and its settings fit a gateway.
 * @throws BootError in one sentence; nothing is left running then.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedPocketBase> {
  const dataDir = resolve(options.dataDir);
  const claim = claimDataDir(dataDir);
  let supervisor: Supervisor | undefined;
  try {
    const runsScripts = createCodeLookout(dataDir);
    runsScripts();
    const superuser = await keepSuperuserLogin(dataDir, options.log);
    const env = programEnvironment(options.env);
    await ensureSuperuser({
      bin: options.bin,
      hookFolder: join(dataDir, "pocketbase", "boot"),
      pbDataDir: join(dataDir, "pb_data"),
      loginFile: superuserFilePath(dataDir),
      env,
      log: options.log,
      deadlineMs: options.startDeadlineMs ?? START_DEADLINE_MS,
    });
    const run = await superviseOnFreePort({ ...options, dataDir, env });
    supervisor = run.supervisor;
    await fitSettings(new SuperuserClient({ url: run.url, ...superuser }), options.publicUrl);
    return assemble(run, { superuser, runsScripts }, () => claim.release());
  } catch (error) {
    await supervisor?.close();
    claim.release();
    throw error instanceof BootError ? error : new BootError("PocketBase did not start.", { cause: error });
  }
}

type Run = { readonly url: string; readonly supervisor: Supervisor };

function assemble(
  run: Run,
  known: Pick<EmbeddedPocketBase, "superuser" | "runsScripts">,
  release: () => void,
): EmbeddedPocketBase {
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closed ??= run.supervisor.close().finally(release);
    return closed;
  };
  return { url: run.url, ...known, pid: () => run.supervisor.pid(), close, [Symbol.asyncDispose]: close };
}

async function superviseOnFreePort(options: EmbeddedOptions): Promise<Run> {
  for (let tries = 1; ; tries += 1) {
    const port = freeLoopbackPort();
    try {
      return await superviseOn(port, options);
    } catch (error) {
      if (!(error instanceof FailedStart)) throw error;
      const isTaken = error.exit.lastLine.includes("address already in use");
      // Somebody was faster between the look and the start.
      if (isTaken && tries < PORT_TRIES_MAX) continue;
      throw explainStart(error, options, isTaken ? port : undefined);
    }
  }
}

async function superviseOn(port: number, options: EmbeddedOptions): Promise<Run> {
  const url = `http://127.0.0.1:${port}`;
  const command = serveCommand(options, port);
  const supervisor = await supervise({
    start: () => startChild({ command, env: options.env, log: options.log }),
    isHealthy: () => isHealthy(url),
    log: options.log,
    clock: options.clock ?? systemClock,
    startDeadlineMs: options.startDeadlineMs ?? START_DEADLINE_MS,
    stopDeadlineMs: options.stopDeadlineMs ?? STOP_DEADLINE_MS,
    backOffMs: options.backOffMs ?? BACK_OFF_MS,
    backOffMaxMs: BACK_OFF_MAX_MS,
    stableAfterMs: STABLE_AFTER_MS,
    random: Math.random,
  });
  return { url, supervisor };
}

function explainStart(
  failure: FailedStart,
  options: EmbeddedOptions,
  takenPort: number | undefined,
): BootError {
  if (takenPort !== undefined) {
    return new BootError(
      `PocketBase found port ${takenPort} of 127.0.0.1 taken, and the ones before it too.`,
    );
  }
  if (failure.isLate) {
    const seconds = (options.startDeadlineMs ?? START_DEADLINE_MS) / 1000;
    return new BootError(`PocketBase did not answer within ${seconds} s of its start.`);
  }
  return explainExit(options.bin, join(options.dataDir, "pb_data"), failure.exit.lastLine);
}

function serveCommand(options: EmbeddedOptions, port: number): readonly string[] {
  return [
    options.bin,
    "serve",
    `--http=127.0.0.1:${port}`,
    `--dir=${join(options.dataDir, "pb_data")}`,
    `--migrationsDir=${join(options.dataDir, "pb_migrations")}`,
    `--hooksDir=${join(options.dataDir, "pb_hooks")}`,
    `--publicDir=${join(options.dataDir, "pb_public")}`,
    // Off, or every collection made in the dashboard would also become a migration file.
    "--automigrate=false",
    "--dev=false",
  ];
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const init = { signal: AbortSignal.timeout(HEALTH_DEADLINE_MS), keepalive: false };
    const response = await fetch(`${url}/api/health`, init);
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    // Not listening yet; the caller asks again until its deadline.
    return false;
  }
}

/** PocketBase's defaults suit a server without a gateway; this changes what a gateway needs. */
async function fitSettings(client: SuperuserClient, publicUrl: string): Promise<void> {
  const settings = await client.request("GET", "/api/settings");
  const headers = field(field(settings.json, "trustedProxy"), "headers");
  if (settings.status !== 200) throw new BootError(`PocketBase refused its superuser (${settings.status}).`);
  if (Array.isArray(headers) && headers.length > 0) return;
  const answer = await client.request("PATCH", "/api/settings", {
    meta: { appName: "Hapta demo", appURL: publicUrl },
    trustedProxy: { headers: ["X-Forwarded-For"], useLeftmostIP: false },
    batch: { enabled: true },
  });
  if (answer.status !== 200) throw new BootError(`PocketBase refused its first settings (${answer.status}).`);
}

// Hooks are the user's code and may read the user's variables; Hapta's own are none of their business.
const PRIVATE_VARIABLES = /^(HAPTA_.*|ADMIN_EMAIL|ADMIN_PASSWORD|DB_URL|REDIS_URL)$/;

function programEnvironment(env: EmbeddedOptions["env"]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !PRIVATE_VARIABLES.test(name)));
}
