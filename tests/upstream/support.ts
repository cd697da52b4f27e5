// What the upstream tests share: an embedded PocketBase of any tested version, and a proxy that can misbehave.

import type { Log } from "../../src/insight/log.ts";
import { type EmbeddedPocketBase, startEmbedded } from "../../src/pocketbase/embedded.ts";
import { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { binaryOf, type PocketBaseVersion } from "../support/pocketbase.ts";
import { createScratch } from "../support/scratch.ts";

/** Lines that were logged, as `level message`. */
export interface Lines {
  readonly lines: string[];
  readonly log: Log;
}

/** A log that keeps its lines. */
export const keepLines = (): Lines => {
  const lines: string[] = [];
  return { lines, log: (level, message) => lines.push(`${level} ${message}`) };
};

/** An embedded instance with its own data folder. */
export interface Instance extends AsyncDisposable {
  readonly pb: EmbeddedPocketBase;
  readonly client: SuperuserClient;
  readonly dataDir: string;
  readonly lines: readonly string[];
}

/** Starts one version in a new data folder; disposing stops it and removes the folder. */
export const startInstance = async (version: PocketBaseVersion = "0.39"): Promise<Instance> => {
  const scratch = createScratch(`embedded-${version}`);
  const { lines, log } = keepLines();
  const bin = binaryOf(version);
  const options = {
    dataDir: scratch.path,
    bin,
    log,
    publicUrl: "http://localhost:3599",
    env: {},
    backOffMs: 20,
  };
  const pb = await startEmbedded(options);
  return {
    pb,
    client: new SuperuserClient({ url: pb.url, ...pb.superuser }),
    dataDir: scratch.path,
    lines,
    async [Symbol.asyncDispose]() {
      await pb.close();
      scratch[Symbol.dispose]();
    },
  };
};

/** What a proxy does with a request: undefined passes it on. */
export type Mischief = (request: Request, path: string) => Response | Promise<Response> | undefined;

/** A proxy before PocketBase whose behaviour can be changed at any time. */
export interface Proxy extends Disposable {
  readonly url: string;
  /** Paths asked for, in order. */
  readonly seen: string[];
  mischief: Mischief;
}

/** Starts a proxy on a free port. */
export const startProxy = (target: string, mischief: Mischief = () => undefined): Proxy => {
  const seen: string[] = [];
  const server = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    idleTimeout: 60,
    fetch: async (request) => {
      const { pathname, search } = new URL(request.url);
      seen.push(`${request.method} ${pathname}`);
      const own = proxy.mischief(request, pathname);
      if (own !== undefined) return own;
      const body = request.body === null ? undefined : await request.arrayBuffer();
      const headers = new Headers(request.headers);
      headers.delete("host");
      const init: RequestInit = { method: request.method, headers };
      if (body !== undefined) init.body = body;
      return fetch(`${target}${pathname}${search}`, init);
    },
  });
  const proxy: Proxy = {
    url: `http://127.0.0.1:${server.port}`,
    seen,
    mischief,
    [Symbol.dispose]: () => void server.stop(true),
  };
  return proxy;
};

/** The same account as `client`'s, at another address. */
export const clientAt = (url: string, pb: EmbeddedPocketBase): SuperuserClient =>
  new SuperuserClient({ url, ...pb.superuser });

/** The message a promise is rejected with; fails when it is not. */
export const rejection = async (promise: Promise<unknown>): Promise<Error> => {
  const outcome = await promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  if (outcome instanceof Error) return outcome;
  throw new Error("the promise was not rejected with an error");
};
