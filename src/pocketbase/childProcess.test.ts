// What is kept of a program's output, and the sentences made of it.
import { expect, test } from "bun:test";
import { startChild } from "./childProcess.ts";
import { explainExit } from "./superuserCommand.ts";

const env = { PATH: process.env["PATH"] };
const run = (script: string, lines: string[] = []): ReturnType<typeof startChild> =>
  startChild({ command: ["/bin/sh", "-c", script], env, log: (_, message) => lines.push(message) });

test("startChild reports exit code, signal and the last complaint of a run", async () => {
  expect(await run("echo one >&2; echo two >&2; echo out; exit 3").exited).toEqual({
    code: 3,
    signal: null,
    lastLine: "two",
  });
  expect((await run("kill -TERM $$").exited).signal).toBe("SIGTERM");
  expect((await run("echo 'Error: taken'").exited).lastLine).toBe("Error: taken");
});

test("startChild keeps the reason of a crash, not the trace that follows it", async () => {
  const { lastLine } = await run("echo 'panic: disk is full' >&2; echo 'main.go:198 +0xe9' >&2; exit 2")
    .exited;
  expect(lastLine).toBe("panic: disk is full");
});

test("startChild bounds each line and what it keeps", async () => {
  const lines: string[] = [];
  const { lastLine } = await run("head -c 300000 /dev/zero | tr '\\0' x >&2; echo >&2", lines).exited;
  expect(lastLine).toHaveLength(300);
  expect(lines).toHaveLength(1);
  expect(lines[0]?.length).toBeLessThan(2_100);
});

test("stop kills a program that ignores SIGTERM once the deadline has passed", async () => {
  const lines: string[] = [];
  const child = run("trap '' TERM; echo ready >&2; while :; do sleep 0.05; done", lines);
  const endsAt = performance.now() + 3_000;
  while (lines.length === 0 && performance.now() < endsAt)
    await new Promise((resolve) => setImmediate(resolve));
  expect((await child.stop(100)).signal).toBe("SIGKILL");
  expect(child.isRunning()).toBe(false);
});

test("explainExit names the cause and the folder in one sentence", () => {
  const cases: readonly [string, string][] = [
    ["panic: database or disk is full (13)", "PocketBase cannot write /d: the disk is full."],
    ["open /d/data.db: permission denied", "PocketBase cannot write /d; give this user access to it."],
    ["sh: 1: exec: /b: Permission denied", "Cannot run /b: Permission denied."],
    ["", "/b ended at once without a word; is it a PocketBase for this machine?"],
    ["something new", "PocketBase did not start: something new"],
  ];
  for (const [line, sentence] of cases) expect(explainExit("/b", "/d", line).message).toBe(sentence);
  expect(explainExit("/b", "/d", "Error: unknown flag: --hooksDir").message).toContain("set DB_URL");
});
