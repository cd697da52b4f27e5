// `npm test`: installs what is missing and runs every fast test file, or those whose path holds one of the words
// given. `--slow` adds tests/slow. The last line printed is "N passed, N failed" (", N skipped" may follow).
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { BUN, installMissing, ROOT } from "./install.mjs";

/** Nothing is shown by it: far more than a test takes, because a machine may be very busy. */
const TEST_TIMEOUT_MS = 120_000;
/** The whole run is ended after this time, so that a hanging test cannot hang a build server. */
const RUN_TIMEOUT_MS = (process.argv.includes("--slow") ? 480 : 60) * 60_000;

/** Every test file below src and tests, as paths from the project folder. */
function findTests(words, withSlow) {
  return ["src", "tests"]
    .flatMap((folder) => readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile() && entry.name.endsWith(".test.ts"))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).split(sep).join("/"))
    .filter((path) => withSlow || !path.startsWith("tests/slow/"))
    .filter((path) => words.length === 0 || words.some((word) => path.includes(word)))
    .sort();
}

const succeeds = (command, args) => spawnSync(command, args, { stdio: "ignore" }).status === 0;

/** Browser tests need Chromium; on Debian as root it is installed, elsewhere they are skipped. */
function provideChromium() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  if (names.some((name) => succeeds(name, ["--version"]))) return;
  const canInstall = process.getuid?.() === 0 && succeeds("apt-get", ["--version"]);
  if (canInstall) {
    process.env.DEBIAN_FRONTEND = "noninteractive";
    process.stdout.write("Installing chromium for the browser tests ...\n");
    const install = ["install", "-y", "-qq", "--no-install-recommends", "chromium"];
    if (succeeds("apt-get", install)) return;
    if (succeeds("apt-get", ["update", "-qq"]) && succeeds("apt-get", install)) return;
  }
  process.stdout.write("Chromium is not installed: browser tests will be skipped.\n");
}

/** Reads the totals of a JUnit file; undefined when it is missing or cut, as after a crash. */
function readTotals(path) {
  try {
    const head = /<testsuites\b[^>]*>/.exec(readFileSync(path, "utf8"))?.[0];
    const total = (name) => Number(new RegExp(`\\b${name}="(\\d+)"`).exec(head)?.[1]);
    const [tests, failed, skipped] = [total("tests"), total("failures"), total("skipped")];
    return Number.isNaN(tests + failed + skipped) ? undefined : { tests, failed, skipped };
  } catch {
    // The file is not there: Bun ended before it wrote it.
    return undefined;
  }
}

/** Runs Bun over the files and resolves to its exit code (1 when a signal ended it). */
function run(files, report) {
  const args = ["test", `--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${report}`];
  const child = spawn(BUN, [...args, ...files.map((file) => `./${file}`)], { cwd: ROOT, stdio: "inherit" });
  const timer = setTimeout(() => {
    process.stdout.write(`The tests did not end within ${RUN_TIMEOUT_MS / 60_000} minutes.\n`);
    child.kill("SIGKILL");
  }, RUN_TIMEOUT_MS);
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
  return new Promise((resolve) => {
    child.on("error", () => resolve(1));
    child.on("exit", (code) => resolve(code ?? 1));
  }).finally(() => clearTimeout(timer));
}

installMissing();
const words = process.argv.slice(2).filter((word) => word !== "--slow");
const files = findTests(words, process.argv.includes("--slow"));
if (files.some((file) => file.startsWith("tests/browser/"))) provideChromium();

const folder = mkdtempSync(join(tmpdir(), "hapta-test-"));
const report = join(folder, "junit.xml");
const code = files.length === 0 ? 1 : await run(files, report);
const totals = readTotals(report) ?? { tests: 0, failed: 0, skipped: 0 };
rmSync(folder, { recursive: true, force: true });

const passed = totals.tests - totals.failed - totals.skipped;
// A crash, an error outside any test, or a run without tests is a failure that no test file counted.
const isBroken = totals.failed === 0 && (code !== 0 || passed === 0);
const failed = isBroken ? 1 : totals.failed;
if (isBroken)
  process.stdout.write(`The run itself failed: exit code ${code}, ${totals.tests} tests counted.\n`);
const skipped = totals.skipped > 0 ? `, ${totals.skipped} skipped` : "";
process.exitCode = failed > 0 ? 1 : 0;
process.stdout.write(`${passed} passed, ${failed} failed${skipped}\n`);
