// Starts Hapta as users do, as a process of its own, in front of a given PocketBase.
import { join } from "node:path";
import { type Child, startChild, waitUntilServing } from "./childProcess.ts";
import { SUPERUSER } from "./fixture/load.ts";
import { createScratch, freePort, PROJECT_DIR } from "./scratch.ts";
import { startTokenScan } from "./tokenScan.ts";

/** Far more than a start takes: nothing is shown by it, and a machine may be very busy. */
const START_MS = 50_000;

/** A running Hapta. */
export interface Hapta extends AsyncDisposable {
  readonly url: string;
  /** Where Hapta was told that PocketBase is. */
  readonly upstreamUrl: string;
  readonly port: number;
  readonly dataDir: string;
  readonly child: Child;
}

/** `config` is merged over a config file that switches rate limits off; `waitFor` is the path that must be 200. */
export interface HaptaOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  /** Members of the config file as TypeScript, for what JSON cannot say. */
  readonly configText?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly flags?: readonly string[];
  readonly waitFor?: string;
  /** A free one when absent. */
  readonly port?: number;
  /** What runs it, such as a shell that takes something away from it first. */
  readonly under?: readonly string[];
  /** The index.ts that is started; the project's own when absent. */
  readonly entry?: string;
  /** Fails at the end when a client was shown one of PocketBase's tokens; HAPTA_TEST_SCAN=1 makes it so everywhere. */
  readonly isScanned?: boolean;
}

const BASE_CONFIG = { ratelimit: { isEnabled: false } };

/** Starts Hapta on a free port in front of `upstream` and waits until it is ready. */
export const startHapta = async (
  upstream: { readonly url: string },
  options: HaptaOptions = {},
): Promise<Hapta> => {
  const isScanned = options.isScanned ?? process.env["HAPTA_TEST_SCAN"] === "1";
  const scan = isScanned ? await startTokenScan(upstream.url) : undefined;
  const upstreamUrl = scan?.upstreamUrl ?? upstream.url;
  const scratch = createScratch("hapta");
  const port = options.port ?? (await freePort());
  const config = join(scratch.path, "config.ts");
  await Bun.write(
    config,
    `export default { ...${JSON.stringify({ ...BASE_CONFIG, ...options.config }, null, 2)}, ${options.configText ?? ""} };\n`,
  );
  const dataDir = join(scratch.path, "data");
  const entry = options.entry ?? join(PROJECT_DIR, "src", "index.ts");
  const child = startChild({
    command: [
      ...(options.under ?? []),
      process.execPath,
      "run",
      entry,
      "--config",
      config,
      "--port",
      String(port),
      ...(options.flags ?? []),
    ],
    cwd: scratch.path,
    env: {
      DB_URL: upstreamUrl,
      ADMIN_EMAIL: SUPERUSER.email,
      ADMIN_PASSWORD: SUPERUSER.password,
      HAPTA_DATA_DIR: dataDir,
      ...options.env,
    },
  });
  const own = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    await child[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
    await scan?.close();
  };
  try {
    await waitUntilServing(child, `${own}${options.waitFor ?? "/hapta/ready"}`, START_MS);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: (await scan?.before(own)) ?? own,
    upstreamUrl,
    port,
    dataDir,
    child,
    [Symbol.asyncDispose]: stop,
  };
};
