// A relay that counts the requests that reach PocketBase, on a thread of its own: beside the clients, it would hold back what
// PocketBase tells Hapta.
import { startRelay } from "../../tests/cache/relay.ts";

/** A running relay. */
export interface CountingRelay extends AsyncDisposable {
  readonly url: string;
  /** Reads of records so far. */
  countReads(): Promise<number>;
}

type Message = { readonly url: string } | { readonly reads: number };

/** @param upstream - Base address of PocketBase. */
export const startCountingRelay = async (upstream: string): Promise<CountingRelay> => {
  const worker = new Worker(import.meta.url);
  const ask = (question: string): Promise<Message> =>
    new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<Message>) => resolve(data);
      worker.onerror = (event) => reject(new Error(event.message));
      worker.postMessage(question);
    });
  const started = await ask(upstream);
  if (!("url" in started)) throw new Error("the relay did not start");
  return {
    url: started.url,
    countReads: async () => {
      const counted = await ask("count");
      return "reads" in counted ? counted.reads : Number.NaN;
    },
    [Symbol.asyncDispose]: () => {
      worker.terminate();
      return Promise.resolve();
    },
  };
};

const isRead = (line: string): boolean => /^GET \/api\/collections\/\w+\/records/.test(line);

if (!Bun.isMainThread) {
  let relay: Awaited<ReturnType<typeof startRelay>> | undefined;
  const answer = (message: Message): void => postMessage(message);
  addEventListener("message", async ({ data }: MessageEvent<string>) => {
    if (relay !== undefined) return answer({ reads: relay.countWhere(isRead) });
    relay = await startRelay(data);
    answer({ url: relay.url });
  });
}
