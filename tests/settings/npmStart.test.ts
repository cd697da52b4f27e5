// `npm start` as a process manager meets it: whoever stops npm stops Hapta and its PocketBase.
import { expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { startChild } from "../support/childProcess.ts";
import { eventually } from "../support/eventually.ts";
import { createScratch, freePort, PROJECT_DIR } from "../support/scratch.ts";

setDefaultTimeout(60_000);

/** Command lines of the running processes that name `text`. */
const runningWith = (text: string): string[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ")];
      } catch {
        return []; // ended meanwhile
      }
    })
    .filter((command) => command.includes(text));

test.skipIf(!existsSync("/proc/self/cmdline"))(
  "SIGTERM to npm ends everything that npm start began",
  async () => {
    using scratch = createScratch("npm-start");
    const port = await freePort();
    const child = startChild({
      command: ["npm", "start", "--", "--port", String(port)],
      cwd: PROJECT_DIR,
      env: { ...process.env, HAPTA_DATA_DIR: scratch.path } as Record<string, string>,
    });
    const isReady = async (): Promise<boolean> => {
      try {
        return (await fetch(`http://127.0.0.1:${port}/hapta/ready`)).status === 200;
      } catch {
        return false; // not listening yet
      }
    };
    await eventually(isReady, 40_000);
    // Hapta itself and the PocketBase it keeps are there to be missed.
    expect(runningWith(`--port ${port}`).length).toBeGreaterThan(1);
    expect(runningWith(scratch.path).length).toBeGreaterThan(0);
    child.kill("SIGTERM");
    await eventually(
      () => runningWith(`--port ${port}`).length === 0 && runningWith(scratch.path).length === 0,
      10_000,
    );
  },
);
