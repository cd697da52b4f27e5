// A relay between Hapta and PocketBase that changes nothing and remembers every token PocketBase hands out.
import { connect, createServer, type Socket } from "node:net";

const TOKEN = /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]{20,}/g;

export interface RecordingProxy extends AsyncDisposable {
  readonly url: string;
  /** Every token that was in an answer of PocketBase so far. */
  issued(): ReadonlySet<string>;
  /** What went to PocketBase and what came back, connection by connection. */
  talks(): readonly { readonly asked: string; readonly answered: string }[];
  /** Bytes that came back from PocketBase, for a look at what else was in them. */
  bytes(): number;
}

/** Every token in a text. */
export const tokensIn = (text: string): string[] => [...text.matchAll(TOKEN)].map(([token]) => token);

const textOf = (parts: readonly Buffer[]): string => Buffer.concat(parts).toString("latin1");

export const startRecordingProxy = async (upstream: string): Promise<RecordingProxy> => {
  const { hostname, port } = new URL(upstream);
  const sockets = new Set<Socket>();
  const asked: Buffer[][] = [];
  const answers: Buffer[][] = [];
  const server = createServer((client) => {
    const origin = connect({ host: hostname, port: Number(port) });
    const said: Buffer[] = [];
    const heard: Buffer[] = [];
    asked.push(said);
    answers.push(heard);
    for (const [from, to] of [
      [client, origin],
      [origin, client],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on("error", () => from.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on("data", (part: Buffer) => {
        (from === origin ? heard : said).push(part);
        to.write(part);
      });
    }
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    issued: () => new Set(answers.flatMap((parts) => tokensIn(textOf(parts)))),
    talks: () => asked.map((parts, at) => ({ asked: textOf(parts), answered: textOf(answers[at] ?? []) })),
    bytes: () => answers.flat().reduce((sum, { length }) => sum + length, 0),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
