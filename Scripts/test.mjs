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
const RUN_TIMEOUT_MS = 90 * 60_000;
/** Each so many files run in a process of their own: if Bun itself crashes, these alone are run again. */
const FILES_PER_PROCESS = 40;
/** Of one call: a slow mirror takes its time, one that says nothing must not hold the run. */
const APT_TIMEOUT_MS = 15 * 60_000;

const say = (line) => process.stdout.write(`${line}\n`);
const startedMs = Date.now();
const sum = { tests: 0, failed: 0, skipped: 0 };
/** What went wrong beside tests, such as a crash; each counts as a failed test. */
const faults = [];
let isEnded = false;
/** Told to end, or out of time. */
let isStopped = false;

// On exit, so that it is the last line however the run ends.
process.on("exit", () => {
  const passed = sum.tests - sum.failed - sum.skipped;
  if (!isEnded && !isStopped) faults.push("The run did not come to its end.");
  else if (isEnded && passed === 0) faults.push("No test passed.");
  for (const fault of faults) say(fault);
  const failed = sum.failed + faults.length;
  if (failed > 0) process.exitCode = 1;
  say(`${passed} passed, ${failed} failed${sum.skipped > 0 ? `, ${sum.skipped} skipped` : ""}`);
});

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

const succeeds = (command, args) =>
  spawnSync(command, args, { stdio: "ignore", timeout: APT_TIMEOUT_MS }).status === 0;

/** Browser tests need Chromium; on Debian as root it is installed, elsewhere they are skipped. */
function provideChromium() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  if (names.some((name) => succeeds(name, ["--version"]))) return;
  if (process.getuid?.() === 0 && succeeds("apt-get", ["--version"])) {
    process.env.DEBIAN_FRONTEND = "noninteractive";
    say("Installing chromium for the browser tests ...");
    // Somebody else may be installing, and a mirror may miss once.
    const patience = ["-o", "DPkg::Lock::Timeout=120", "-o", "Acquire::Retries=3", "-qq"];
    const install = () =>
      succeeds("apt-get", [...patience, "install", "-y", "--no-install-recommends", "chromium"]);
    if (install() || (succeeds("apt-get", [...patience, "update"]) && install())) return;
  }
  say("Chromium is not installed: browser tests will be skipped.");
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

/** Runs Bun over the files and resolves to how it ended: its exit code or the signal. */
function runBun(files, report) {
  const args = ["test", `--timeout=${TEST_TIMEOUT_MS}`, "--reporter=junit", `--reporter-outfile=${report}`];
  // In a process group of its own, so that nothing the tests started outlives it.
  const child = spawn(BUN, [...args, ...files.map((file) => `./${file}`)], {
    cwd: ROOT,
    stdio: "inherit",
    detached: true,
  });
  const end = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch {
      child.kill(signal); // no group: nothing of it is left, or the system has no groups
    }
  };
  const stop = (reason, signal) => {
    isStopped = true;
    faults.push(reason);
    end(signal);
  };
  const late = () => stop(`The tests did not end within ${RUN_TIMEOUT_MS / 60_000} minutes.`, "SIGKILL");
  const timer = setTimeout(late, startedMs + RUN_TIMEOUT_MS - Date.now());
  const signals = ["SIGINT", "SIGTERM", "SIGHUP"];
  const pass = (signal) => stop(`The run was ended by ${signal}.`, signal);
  for (const signal of signals) process.on(signal, pass);
  return new Promise((resolve) => {
    child.on("error", (error) => resolve(error.message));
    child.on("exit", (code, signal) => resolve(code ?? signal));
  }).finally(() => {
    clearTimeout(timer);
    for (const signal of signals) process.off(signal, pass);
    end("SIGKILL");
  });
}

/** Runs some files in one process and adds up what it counted. After a crash of Bun's, each is run by itself, once. */
async function run(files, isAgain = false) {
  const folder = mkdtempSync(join(tmpdir(), "hapta-report-"));
  const report = join(folder, "junit.xml");
  const end = await runBun(files, report);
  const totals = readTotals(report);
  rmSync(folder, { recursive: true, force: true });
  for (const name of Object.keys(sum)) sum[name] += totals?.[name] ?? 0;
  if (isStopped) return;
  if (totals === undefined && !isAgain) {
    say(`Bun ended with ${end} and no result; its ${files.length} files are run one by one.`);
    for (const file of files) if (!isStopped) await run([file], true);
  } else if (totals === undefined || (end !== 0 && totals.failed === 0)) {
    faults.push(`The run itself failed: Bun ended with ${end} in ${files.join(" ")}`);
  }
}

const words = process.argv.slice(2).filter((word) => word !== "--slow");
const files = findTests(words, process.argv.includes("--slow"));
installMissing();
if (files.some((file) => file.startsWith("tests/browser/"))) provideChromium();

for (let at = 0; at < files.length && !isStopped; at += FILES_PER_PROCESS)
  await run(files.slice(at, at + FILES_PER_PROCESS));
isEnded = !isStopped;
