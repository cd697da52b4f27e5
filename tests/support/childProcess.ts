// Starts server programs for tests, keeps the end of their output for failure messages, and stops them for sure.
import { eventually, within } from "./eventually.ts";

const OUTPUT_CHARS_MAX = 8_000;
const STOP_MS = 20_000;
/** The last words of a program come out of its pipes within this time after its end, if nobody else holds them. */
const LAST_WORDS_MS = 2_000;

/** A running program. `output()` is the last part of what it printed. */
export interface Child extends AsyncDisposable {
  readonly pid: number;
  output(): string;
  isRunning(): boolean;
  kill(signal: NodeJS.Signals): void;
  /** Its exit code, once it has ended and all that it printed is in `output()`. */
  readonly exited: Promise<number>;
}

/** What to run; the environment is exactly `env`, nothing inherited but PATH and HOME. */
export interface ChildOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

const living = new Set<Bun.Subprocess>();
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Starts a program. Disposing sends SIGTERM, then SIGKILL after 20 s. */
export const startChild = (options: ChildOptions): Child => {
  const { PATH = "", HOME = "" } = process.env;
  const child = Bun.spawn([...options.command], {
    cwd: options.cwd,
    env: { PATH, HOME, ...options.env },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  living.add(child);
  let output = "";
  const collect = async (stream: ReadableStream<Uint8Array>): Promise<void> => {
    const decoder = new TextDecoder();
    for await (const part of stream)
      output = (output + decoder.decode(part, { stream: true })).slice(-OUTPUT_CHARS_MAX);
  };
  const said = Promise.all([collect(child.stdout), collect(child.stderr)]);
  const exited = child.exited.then(async (code) => {
    living.delete(child);
    await within(said, LAST_WORDS_MS, "last words").catch(() => undefined);
    return code;
  });
  return {
    pid: child.pid,
    exited,
    output: () => output,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    kill: (signal) => child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
      await child.exited;
      clearTimeout(timer);
    },
  };
};

/** Waits until `url` answers 200; throws early, with its output, when the program ends first. */
export const waitUntilServing = (child: Child, url: string, deadlineMs: number): Promise<void> =>
  waitUntilAnswering(child, url, { deadlineMs, status: 200 });

/** The same with another status. */
export const waitUntilAnswering = async (
  child: Child,
  url: string,
  { deadlineMs, status }: { readonly deadlineMs: number; readonly status: number },
): Promise<void> => {
  const answersOk = async (): Promise<boolean> => {
    if (!child.isRunning()) return true;
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000), keepalive: false });
    await response.arrayBuffer();
    return response.status === status;
  };
  try {
    await eventually(answersOk, deadlineMs);
  } catch (cause) {
    child.kill("SIGKILL");
    throw new Error(`${url} is not ${status}; the program printed:\n${child.output()}`, { cause });
  }
  if (!child.isRunning())
    throw new Error(`the program ended before ${url} answered; it printed:\n${child.output()}`);
};
