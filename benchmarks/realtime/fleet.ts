// Many realtime clients in processes of their own: starts them, asks what they heard, ends them.
import { join } from "node:path";

/** What one process of clients is. */
export interface Crowd {
  readonly kind: "sse" | "websocket";
  readonly port: number;
  readonly count: number;
  /** Loopback addresses of the server to spread over. */
  readonly addresses: number;
  readonly topic: string;
}

/** What clients heard since they were asked last. */
export interface Heard {
  /** From the moment the write was sent, one per event and client. */
  readonly delaysMs: readonly number[];
  /** Connections that ended. */
  readonly lost: number;
}

export interface Fleet extends AsyncDisposable {
  readonly count: number;
  take(): Promise<Heard>;
  /** Waits until that many events were heard, or the time is up. */
  hear(events: number, deadlineMs: number): Promise<Heard>;
}

const CONNECT_MS = 120_000;
const ASK_MS = 10_000;
const LOOK_MS = 50;

/** Starts them and waits until all are subscribed. @throws Error when that does not happen in two minutes. */
export const startFleet = async (crowds: readonly Crowd[]): Promise<Fleet> => {
  const members = crowds.map(startMember);
  const kill = (): void => {
    for (const { child } of members) child.kill("SIGKILL");
  };
  process.on("exit", kill);
  // The system closes thousands of sockets before a process is gone: nobody is measured meanwhile.
  const dispose = async (): Promise<void> => {
    process.off("exit", kill);
    kill();
    await Promise.all(members.map(({ child }) => child.exited));
  };
  const take = async (): Promise<Heard> => {
    const all = await Promise.all(members.map(({ ask }) => ask()));
    return {
      delaysMs: all.flatMap(({ delaysMs }) => delaysMs),
      lost: all.reduce((sum, { lost }) => sum + lost, 0),
    };
  };
  const hear = async (events: number, deadlineMs: number): Promise<Heard> => {
    const untilMs = performance.now() + deadlineMs;
    const delaysMs: number[] = [];
    for (;;) {
      const { delaysMs: more, lost } = await take();
      for (const delay of more) delaysMs.push(delay);
      if (delaysMs.length >= events || performance.now() >= untilMs) return { delaysMs, lost };
      await Bun.sleep(LOOK_MS);
    }
  };
  try {
    await Promise.all(members.map(({ ready }) => ready));
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    count: crowds.reduce((sum, { count }) => sum + count, 0),
    take,
    hear,
    [Symbol.asyncDispose]: dispose,
  };
};

interface Member {
  readonly ready: Promise<void>;
  readonly ask: () => Promise<Heard>;
  readonly child: Bun.Subprocess;
}

const startMember = (crowd: Crowd): Member => {
  const ready = Promise.withResolvers<void>();
  let answer = Promise.withResolvers<Heard>();
  const child = Bun.spawn(
    [process.execPath, "run", join(import.meta.dir, "clients.ts"), JSON.stringify(crowd)],
    {
      stdio: ["ignore", "inherit", "inherit"],
      ipc: (message: ({ readonly kind: "heard" } & Heard) | { readonly kind: "ready" | "failed" }) => {
        if (message.kind === "ready") ready.resolve();
        else if (message.kind === "heard") answer.resolve(message);
        else ready.reject(new Error(`clients: ${JSON.stringify(message)}`));
      },
    },
  );
  const late = setTimeout(() => ready.reject(new Error("the clients did not all connect")), CONNECT_MS);
  void child.exited.then((code) => ready.reject(new Error(`the clients ended with ${code}`)));
  const inTime = ready.promise.finally(() => clearTimeout(late));
  return {
    ready: inTime,
    ask: () => {
      answer = Promise.withResolvers();
      child.send("take");
      const tooLate = setTimeout(() => answer.reject(new Error("the clients do not answer")), ASK_MS);
      return answer.promise.finally(() => clearTimeout(tooLate));
    },
    child,
  };
};
