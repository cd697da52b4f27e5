// The programs a benchmark needs from the system. Says what is missing and how to get it; installs nothing.

/** How to get each tool on Debian and its relatives. */
const PACKAGES: Readonly<Record<string, string>> = {
  wrk: "wrk",
  curl: "curl",
  nginx: "nginx-light",
  caddy: "caddy",
  haproxy: "haproxy",
  varnishd: "varnish",
  ip: "iproute2",
  tc: "iproute2",
};

// Servers live in sbin, which is not on everybody's PATH.
const SEARCH_PATH = `${process.env["PATH"] ?? ""}:/usr/local/sbin:/usr/sbin:/sbin`;

/** Path of a program, or undefined when it is not installed. */
export const findTool = (name: string): string | undefined =>
  Bun.which(name, { PATH: SEARCH_PATH }) ?? undefined;

/** Paths of programs that must be there; ends the process with instructions when one is not. */
export const requireTools = <const Name extends string>(
  names: readonly Name[],
): Readonly<Record<Name, string>> => {
  const found = names.map((name) => [name, findTool(name)] as const);
  const missing = found.filter(([, path]) => path === undefined).map(([name]) => name);
  if (missing.length > 0) {
    console.error(`This benchmark needs ${missing.join(", ")}. On Debian or Ubuntu:`);
    console.error(`  sudo apt-get install ${missing.map((name) => PACKAGES[name] ?? name).join(" ")}`);
    process.exit(2);
  }
  return Object.fromEntries(found) as Record<Name, string>;
};

/** First line a program prints for `args`, on whichever stream: its version. */
export const versionOf = (path: string, ...args: readonly string[]): string => {
  const { stdout, stderr } = Bun.spawnSync([path, ...args]);
  const text = `${stdout.toString()}${stderr.toString()}`.trim();
  return text.split("\n")[0] ?? "";
};
