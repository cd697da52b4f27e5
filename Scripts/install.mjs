// Makes a checkout runnable with Node and npm alone: installs what package-lock.json lists and makes sure that
// the Bun from npm works. Does nothing when everything is there. Run directly, or imported by the other scripts.
import { spawnSync } from "node:child_process";
import { lstatSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

/** The folder of package.json. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** The Bun that everything runs on; npm's package has the same file name on every platform. */
export const BUN = join(ROOT, "node_modules", "bun", "bin", "bun.exe");

/** Time of a file's last change in ms; 0 when there is no such file. */
const changedMs = (path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;

/** npm writes its own lock into node_modules last, so an interrupted install has none. */
const isInstalled = () =>
  changedMs(join(ROOT, "node_modules", ".package-lock.json")) >= changedMs(join(ROOT, "package-lock.json"));

/** Whether node_modules is a link: `npm ci` would empty the folder behind it, which others may be using. */
const isLinked = () =>
  lstatSync(join(ROOT, "node_modules"), { throwIfNoEntry: false })?.isSymbolicLink() === true;

/** Ends the process with one sentence on stderr. */
function stop(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}

/** Runs npm: the one that runs this script when there is one, else the one on the PATH. */
function npm(args) {
  const options = { cwd: ROOT, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 };
  const path = process.env.npm_execpath;
  if (path?.endsWith(".js")) return spawnSync(process.execPath, [path, ...args], options);
  return spawnSync("npm", args, { ...options, shell: process.platform === "win32" });
}

const bunWorks = () => spawnSync(BUN, ["--version"], { encoding: "utf8" }).status === 0;

/**
 * Installs what is missing. Install scripts of packages are not run: the only one needed is Bun's, which puts
 * the platform's binary in place and is called here by itself; others would compile native code nobody uses.
 */
export function installMissing() {
  if (!isInstalled() && isLinked())
    process.stderr.write(
      "node_modules is a link and looks older than package-lock.json; it is used as it is.\n",
    );
  else if (!isInstalled()) {
    process.stderr.write("Installing what package-lock.json lists ...\n");
    const args = ["ci", "--ignore-scripts", "--include=dev", "--include=optional", "--no-audit", "--no-fund"];
    let result = npm(args);
    // A registry may miss once.
    if (!result.error && result.status !== 0) result = npm(args);
    if (result.error) stop(`npm cannot be run: ${result.error.message}`);
    if (result.status !== 0) stop(`npm ci failed:\n${result.stdout}${result.stderr}`);
  }
  if (bunWorks()) return;
  spawnSync(process.execPath, [join(ROOT, "node_modules", "bun", "install.js")], {
    cwd: ROOT,
    stdio: "inherit",
  });
  if (!bunWorks()) stop("Bun from npm does not run on this machine; delete node_modules and try again.");
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) installMissing();
