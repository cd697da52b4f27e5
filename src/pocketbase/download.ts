// Fetches one official PocketBase release into a folder: checksum first, then unzip, then one rename.
// Does not decide whether a download is needed, and never leaves a half-written program behind.
import { chmod, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { unzipSync } from "fflate";
import type { Log } from "../insight/log.ts";
import { BootError, toBootError } from "./bootError.ts";
import { EMBEDDED_VERSION, executableName, publishedChecksum, releaseArchive } from "./release.ts";

/** What a download needs to know. */
export type DownloadOptions = {
  /** Folder for the program; made when missing. */
  readonly folder: string;
  /** Base address; the files lie under `/v<version>/`. */
  readonly releasesUrl: string;
  readonly platform: string;
  readonly arch: string;
  readonly log: Log;
  /** For everything together. */
  readonly deadlineMs: number;
};

const CHECKSUMS_BYTES_MAX = 64 * 1024;
const ARCHIVE_BYTES_MAX = 64 * 1024 * 1024;
const PROGRAM_BYTES_MAX = 256 * 1024 * 1024;

/** The file beside the program that keeps its SHA-256, so that a damaged copy is noticed later. */
export const DIGEST_FILE = "pocketbase.sha256";

/**
 * Downloads EMBEDDED_VERSION for one platform and verifies it against the release's `checksums.txt`.
 * Several processes may do this at once for the same folder: each writes its own file and the last
 * rename wins with identical bytes.
 *
 * @returns Path of the program, executable.
 * @throws BootError in one sentence (no such release, refused, too slow, too large, wrong checksum).
 */
export async function downloadRelease(options: DownloadOptions): Promise<string> {
  const archive = releaseArchive(options.platform, options.arch);
  if (archive === undefined) {
    throw new BootError(
      `PocketBase publishes no release for ${options.platform}/${options.arch}; ` +
        "set HAPTA_POCKETBASE_BIN to a binary of your own, or DB_URL to a running PocketBase.",
    );
  }
  const base = `${options.releasesUrl.replace(/\/+$/, "")}/v${EMBEDDED_VERSION}`;
  options.log("info", `Downloading PocketBase ${EMBEDDED_VERSION} (${archive}), once.`, { from: base });
  const signal = AbortSignal.timeout(options.deadlineMs);
  const fetchPart = (name: string, bytesMax: number): Promise<Uint8Array> =>
    fetchBounded(`${base}/${name}`, { bytesMax, signal, deadlineMs: options.deadlineMs });

  const checksums = new TextDecoder().decode(await fetchPart("checksums.txt", CHECKSUMS_BYTES_MAX));
  const wanted = publishedChecksum(checksums, archive);
  if (wanted === undefined) throw new BootError(`${base}/checksums.txt does not list ${archive}.`);
  const bytes = await fetchPart(archive, ARCHIVE_BYTES_MAX);
  if (sha256(bytes) !== wanted) {
    throw new BootError(
      `The download ${base}/${archive} does not have the published checksum and was thrown away; try again.`,
    );
  }
  const program = unpack(bytes, executableName(options.platform), archive);
  return install(program, options.folder, executableName(options.platform));
}

/** SHA-256 of some bytes in lower-case hex. */
export function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

type FetchLimits = { readonly bytesMax: number; readonly signal: AbortSignal; readonly deadlineMs: number };

async function fetchBounded(url: string, limits: FetchLimits): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    const response = await fetch(url, { signal: limits.signal });
    if (!response.ok)
      throw new BootError(`${url} answered ${response.status}; PocketBase was not downloaded.`);
    for await (const chunk of response.body ?? []) {
      length += chunk.byteLength;
      if (length > limits.bytesMax) throw new BootError(`${url} is larger than ${limits.bytesMax} bytes.`);
      chunks.push(chunk);
    }
    const announced = Number(response.headers.get("content-length") ?? length);
    if (response.headers.has("content-encoding") || announced === length)
      return Buffer.concat(chunks, length);
    throw new BootError(`The download of ${url} ended early (${length} of ${announced} bytes).`);
  } catch (error) {
    if (error instanceof BootError) throw error;
    if (limits.signal.aborted) {
      throw new BootError(`The download of ${url} was not done within ${limits.deadlineMs / 1000} s.`);
    }
    throw new BootError(
      `The download of ${url} failed; check the network, or set HAPTA_POCKETBASE_BIN or DB_URL.`,
      { cause: error },
    );
  }
}

function unpack(archive: Uint8Array, name: string, archiveName: string): Uint8Array {
  let files: Record<string, Uint8Array>;
  try {
    files = unzipSync(archive, {
      filter: (file) => file.name === name && file.originalSize <= PROGRAM_BYTES_MAX,
    });
  } catch (error) {
    throw new BootError(`${archiveName} cannot be unzipped.`, { cause: error });
  }
  const program = files[name];
  if (program === undefined || program.byteLength === 0)
    throw new BootError(`${archiveName} holds no ${name}.`);
  return program;
}

async function install(program: Uint8Array, folder: string, name: string): Promise<string> {
  const path = join(folder, name);
  const part = join(folder, `${name}.${process.pid}.${crypto.randomUUID()}.part`);
  const digest = join(folder, DIGEST_FILE);
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await writeSynced(part, program);
    await chmod(part, 0o755);
    await writeSynced(`${part}.sha256`, new TextEncoder().encode(`${sha256(program)}\n`));
    await rename(`${part}.sha256`, digest);
    await rename(part, path);
    return path;
  } catch (error) {
    throw toBootError(`Cannot write ${path}`, error);
  } finally {
    await discard(part);
    await discard(`${part}.sha256`);
  }
}

/** Removes a leftover; the failure before it matters more than one to remove what may not even exist. */
function discard(path: string): Promise<void> {
  return rm(path, { force: true }).catch(() => undefined);
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}
