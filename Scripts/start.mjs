// `npm start`: installs what is missing, then runs Hapta on Bun with the arguments given, as if it were Hapta
// itself: same terminal, same signals, same exit code.
import { spawn } from "node:child_process";
import { constants } from "node:os";
import { BUN, installMissing, ROOT } from "./install.mjs";

/** A terminal and npm both send the signal of one Ctrl+C; within this time they count as one. */
const SAME_SIGNAL_MS = 300;
/** How often it is looked whether npm is still there. */
const PARENT_EVERY_MS = 250;

installMissing();

// A process group of its own: the terminal's Ctrl+C then reaches Hapta once, from here, and not several times
// (a second signal means "end at once" to Hapta). Bun's --no-orphans ends Hapta should this process be killed.
const child = spawn(BUN, ["--no-orphans", "run", "src/index.ts", ...process.argv.slice(2)], {
  cwd: ROOT,
  stdio: "inherit",
  detached: process.platform !== "win32",
});

const lastAt = new Map();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
  process.on(signal, () => {
    const nowMs = performance.now();
    const isRepeat = nowMs - (lastAt.get(signal) ?? -Infinity) < SAME_SIGNAL_MS;
    lastAt.set(signal, nowMs);
    if (!isRepeat) child.kill(signal === "SIGHUP" ? "SIGTERM" : signal);
  });
}

// npm stands behind a shell that dies of its signal without passing it on: whoever stops npm means Hapta.
if (process.env.npm_lifecycle_event !== undefined && process.platform !== "win32") {
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    child.kill("SIGTERM");
  }, PARENT_EVERY_MS);
  watch.unref();
}

child.on("error", (error) => {
  process.stderr.write(`Hapta cannot be started: ${error.message}\n`);
  process.exit(1);
});
child.on("exit", (code, signal) => {
  process.exit(code ?? 128 + (constants.signals[signal] ?? 0));
});
