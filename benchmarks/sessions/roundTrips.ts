// Clients that ask, wait for the answer and ask again, each over a connection of its own: what wrk cannot do, because the
// next request depends on the last answer. Spends about 20 us of CPU per request.
import { median } from "../support/stats.ts";

/** What one client sends next; gets the text of the answer before, undefined at the start. */
export type NextRequest = (answer: string | undefined) => string;

export interface RoundTrips {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly failed: number;
}

const HEAD_END = "\r\n\r\n";

export interface RoundOptions {
  readonly seconds: number;
}

/** Whether a latin1 text holds the whole of an answer that says its length, or that has no body. */
export const isWholeAnswer = (text: string): boolean => {
  const at = text.indexOf(HEAD_END);
  const length = /content-length: (\d+)/i.exec(text)?.[1];
  return at >= 0 && text.length >= at + HEAD_END.length + Number(length ?? 0);
};

/** Lets the clients go round for so long. Answers other than 200 are counted. @throws Error when it cannot connect. */
export const goRound = async (
  url: string,
  clients: readonly NextRequest[],
  { seconds }: RoundOptions,
): Promise<RoundTrips> => {
  const endMs = performance.now() + seconds * 1000;
  const startedMs = performance.now();
  const runs = await Promise.all(clients.map((next) => runClient(url, next, endMs)));
  const times = runs.flatMap((run) => run.times);
  const elapsed = (performance.now() - startedMs) / 1000;
  return {
    requests: times.length,
    perSecond: times.length / elapsed,
    p50Ms: times.length === 0 ? Number.NaN : median(times),
    failed: runs.reduce((sum, run) => sum + run.failed, 0),
  };
};

interface ClientRun {
  readonly times: number[];
  failed: number;
}

const runClient = (url: string, next: NextRequest, endMs: number): Promise<ClientRun> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const run: ClientRun = { times: [], failed: 0 };
    let text = "";
    let sentMs = 0;
    const ask = (socket: Bun.Socket, answer: string | undefined): void => {
      if (performance.now() >= endMs) {
        socket.end();
        return resolve(run);
      }
      const request = next(answer);
      text = "";
      sentMs = performance.now();
      socket.write(request);
    };
    Bun.connect({
      hostname,
      port: Number(port),
      socket: {
        open: (socket) => ask(socket, undefined),
        data: (socket, part) => {
          text += part.toString("latin1");
          if (!isWholeAnswer(text)) return;
          if (!text.startsWith("HTTP/1.1 200")) run.failed++;
          run.times.push(performance.now() - sentMs);
          ask(socket, text);
        },
        close: () => resolve(run),
        error: (_, error) => reject(error),
      },
    }).catch(reject);
  });
