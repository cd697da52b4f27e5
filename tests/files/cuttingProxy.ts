// A proxy before PocketBase that breaks answers with files off, as PocketBase does with those that take five minutes.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

/** A running proxy. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** Fields `Range` of the requests for files so far; "" for those without. */
  readonly ranges: string[];
  /** From now on each answer with a file is cut after so many bytes. */
  bytesMax: number;
  /** Done before each cut. */
  beforeCut: () => Promise<unknown>;
}

/** Starts a proxy before `target` on a free port; it cuts nothing before it is told to. */
export const startCuttingProxy = async (target: string): Promise<CuttingProxy> => {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const ranges: string[] = [];
  const join = (near: Socket): void => {
    const far = connect({ host: hostname, port: Number(port) });
    let left = Number.POSITIVE_INFINITY;
    const cut = async (): Promise<void> => {
      far.destroy();
      await proxy.beforeCut();
      near.destroy();
    };
    near.on("data", (part: Buffer) => {
      const head = part.toString("latin1");
      const isFile = head.startsWith("GET /api/files/");
      if (isFile) ranges.push(/^range: (.*)$/im.exec(head)?.[1]?.trim() ?? "");
      left = isFile ? proxy.bytesMax : Number.POSITIVE_INFINITY;
      far.write(part);
    });
    far.on("data", (part: Buffer) => {
      if (left <= 0) return;
      near.write(part.length > left ? part.subarray(0, left) : part);
      left -= part.length;
      if (left <= 0) void cut();
    });
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => {
        sockets.delete(socket);
        if (left > 0) other.destroy();
      });
    }
  };
  const server = createServer(join);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the proxy has no port");
  const proxy: CuttingProxy = {
    url: `http://127.0.0.1:${address.port}`,
    ranges,
    bytesMax: Number.POSITIVE_INFINITY,
    beforeCut: () => Promise.resolve(),
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
};
