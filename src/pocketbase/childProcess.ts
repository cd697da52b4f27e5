// Starts one PocketBase process that cannot outlive Hapta, and reads what it prints. Restarts nothing.
import type { Log } from "../insight/log.ts";

/** One run of the program. */
export type Child = {
  readonly pid: number;
  /** Settles once, when the process is gone. */
  readonly exited: Promise<ChildExit>;
  readonly isRunning: () => boolean;
  /** SIGTERM, then SIGKILL when the process is still there after `deadlineMs`. */
  stop(deadlineMs: number): Promise<ChildExit>;
};

/** How a run ended. `lastLine` is its last complaint, at most 300 characters. */
export type ChildExit = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly lastLine: string;
};

/** What to run. `env` is the whole environment of the process. */
export type ChildOptions = {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
};

const LINE_CHARACTERS_MAX = 2_000;
const LAST_LINE_CHARACTERS_MAX = 300;
const OUTPUT_DEADLINE_MS = 1_000;

// The shell leaves a watcher behind and becomes the program (`exec`), so the process id, its signals and
// its exit code are the program's own. The watcher reads the pipe that Hapta holds: a line means that all
// is well and it may go; the end of the pipe without one means that Hapta died, whatever killed it.
const GUARD = 'exec 3<&0 </dev/null; (read -r _ <&3 || kill -KILL $$) >/dev/null 2>&1 & exec 3<&-; exec "$@"';

/** Starts the program in its own process group, so that a terminal's Ctrl-C reaches Hapta alone. */
export function startChild(options: ChildOptions): Child {
  const guarded =
    process.platform === "win32" ? options.command : ["/bin/sh", "-c", GUARD, "sh", ...options.command];
  const child = Bun.spawn([...guarded], {
    env: { ...options.env },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    detached: process.platform !== "win32",
  });
  let lastLine = "";
  const note = (line: string, isComplaint: boolean): void => {
    // After a crash of the program itself comes a long trace; the line before it tells the reason.
    if (isComplaint && !/^(panic|fatal error): /.test(lastLine))
      lastLine = line.slice(0, LAST_LINE_CHARACTERS_MAX);
    options.log("debug", `PocketBase: ${line}`);
  };
  const output = Promise.all([
    // PocketBase reports some failures, a taken port for one, on stdout and exits with 0.
    eachLine(child.stdout, (line) => note(line, line.startsWith("Error: "))),
    eachLine(child.stderr, (line) => note(line, true)),
  ]);
  const finish = async (): Promise<ChildExit> => {
    await child.exited;
    child.stdin.write("done\n");
    // A process that the program left behind may hold its output open: do not wait for that.
    await within(OUTPUT_DEADLINE_MS, Promise.all([child.stdin.end(), output]));
    return {
      code: child.exitCode,
      signal: child.signalCode === null ? null : String(child.signalCode),
      lastLine,
    };
  };
  const exited = finish();
  const isRunning = (): boolean => child.exitCode === null && child.signalCode === null;
  const stop = async (deadlineMs: number): Promise<ChildExit> => {
    if (isRunning()) child.kill("SIGTERM");
    const timer = setTimeout(() => isRunning() && child.kill("SIGKILL"), deadlineMs);
    return exited.finally(() => clearTimeout(timer));
  };
  return { pid: child.pid, exited, isRunning, stop };
}

/** Settles with `work`, failed or not, or after `deadlineMs`. */
function within(deadlineMs: number, work: Promise<unknown>): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, deadlineMs);
    const finish = (): void => {
      clearTimeout(timer);
      resolve();
    };
    work.then(finish, finish);
  });
}

async function eachLine(stream: ReadableStream<Uint8Array>, use: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  const flush = (text: string): void => {
    const line = text.trim();
    if (line !== "") use(line.slice(0, LINE_CHARACTERS_MAX));
  };
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = (lines.pop() ?? "").slice(0, LINE_CHARACTERS_MAX);
    for (const line of lines) flush(line);
  }
  flush(rest);
}
