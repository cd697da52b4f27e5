// Hapta with limits, in front of an upstream that counts what reaches it.
import { type HaptaOptions, startHapta } from "../support/hapta.ts";
import { WireConnection, type WireRequest } from "../support/wire.ts";
import type { WireResponse } from "../support/wireReader.ts";

/** What the sample configuration of the design says. */
export const SAMPLE = {
  Max: 10,
  Duration: 60_000,
  IP: true,
  isEnabled: true,
  Message: "You have reached the maximum number of requests per minute",
};

/** A running pair. */
export interface Limited extends AsyncDisposable {
  readonly url: string;
  /** Process id of Hapta. */
  readonly pid: number;
  /** What Hapta has printed so far. */
  output(): string;
  /** Requests that reached the upstream, checks of Hapta's own left out. */
  readonly seen: readonly string[];
  /** Sends a request from a loopback address, `127.0.0.1` when absent. */
  send(request: WireRequest, from?: string): Promise<WireResponse>;
  /** Sends requests one after the other and returns their statuses. */
  statuses(requests: readonly WireRequest[], from?: string): Promise<number[]>;
}

type Respond = (request: Request) => Response | Promise<Response>;

/** Starts Hapta in front of a counting upstream; `respond` answers what is not Hapta's own. */
export const startLimited = async (
  config: NonNullable<HaptaOptions["config"]>,
  respond: Respond = () => Response.json({ ok: true }),
): Promise<Limited> => {
  const seen: string[] = [];
  const upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 60,
    fetch: async (request) => {
      const { pathname } = new URL(request.url);
      if (request.headers.get("x-forwarded-for") === null) return new Response(null, { status: 503 });
      seen.push(`${request.method} ${pathname}`);
      return await respond(request);
    },
  });
  const hapta = await startHapta(
    { url: `http://127.0.0.1:${upstream.port}` },
    { waitFor: "/hapta/live", config },
  );
  const send: Limited["send"] = async (request, from) => {
    using connection = new WireConnection(hapta.url, from);
    return await connection.send(request);
  };
  return {
    url: hapta.url,
    pid: hapta.child.pid,
    output: hapta.child.output,
    seen,
    send,
    statuses: async (requests, from) => {
      using connection = new WireConnection(hapta.url, from);
      const statuses: number[] = [];
      for (const request of requests) statuses.push((await connection.send(request)).status);
      return statuses;
    },
    async [Symbol.asyncDispose]() {
      await hapta[Symbol.asyncDispose]();
      await upstream.stop(true);
    },
  };
};

/** `count` times the same. */
export const repeat = <T>(count: number, value: T): T[] => Array.from({ length: count }, () => value);

/** How many of a list equal a value. */
export const countOf = <T>(list: readonly T[], value: T): number =>
  list.filter((one) => one === value).length;
