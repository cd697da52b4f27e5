// One Hapta with its cache on, in front of a relay in front of a PocketBase, and short words for reading and writing.

import { eventually } from "../support/eventually.ts";
import { loginCallers, type World } from "../support/fixture/load.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { type Relay, startRelay } from "./relay.ts";

/** Who asks: nobody, or a caller of the fixture. */
export type Who = "guest" | keyof World["tokens"];

/** An answer, as far as these tests look at it. */
export interface Seen {
  readonly status: number;
  readonly text: string;
  /** `hit`, `miss`, `bypass` or `request`; "" without a Cache-Status. */
  readonly cache: string;
  readonly cacheStatus: string;
  readonly etag: string;
  readonly headers: Headers;
}

export interface CacheKit extends AsyncDisposable {
  readonly hapta: Hapta;
  readonly upstream: PocketBase;
  readonly relay: Relay;
  readonly tokens: World["tokens"];
  /** Reads through Hapta; `path` is what follows `/api/collections/`. */
  read(path: string, who?: Who, headers?: Readonly<Record<string, string>>): Promise<Seen>;
  /** Reads until the answer comes from the cache. */
  warm(path: string, who?: Who): Promise<Seen>;
  /** Sends JSON through Hapta, as superuser unless told; `line` is such as `PATCH collections/notices/records/ID`. */
  write(line: string, body?: unknown, who?: Who): Promise<Seen>;
  /** Sends JSON to PocketBase as its superuser, past Hapta. */
  behind(line: string, body?: unknown): Promise<Seen>;
}

const HIT_MS = 5_000;

const seen = async (response: Response): Promise<Seen> => {
  const cacheStatus = response.headers.get("cache-status") ?? "";
  return {
    status: response.status,
    text: await response.text(),
    cache: /; (?:fwd=)?(\w+)/.exec(cacheStatus)?.[1] ?? "",
    cacheStatus,
    etag: response.headers.get("etag") ?? "",
    headers: response.headers,
  };
};

const send = async (
  url: string,
  {
    method,
    token,
    body,
    headers,
  }: {
    readonly method: string;
    readonly token: string | undefined;
    readonly body?: unknown;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<Seen> =>
  seen(
    await fetch(url, {
      method,
      headers: {
        ...(token === undefined ? {} : { Authorization: token }),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );

/** Starts all three; `config` is laid over one that switches the cache on. */
export const startCacheKit = async (config: Readonly<Record<string, unknown>> = {}): Promise<CacheKit> => {
  const upstream = await startPocketBase();
  const relay = await startRelay(upstream.url);
  const hapta = await startHapta(relay, {
    config: { Cache: { isEnabled: true, VerifyRate: 0 }, ...config },
    env: { HAPTA_ADMIN_KEY: ADMIN_KEY },
  });
  const tokens = await loginCallers(hapta.url);
  const tokenOf = (who: Who): string | undefined => (who === "guest" ? undefined : tokens[who]);
  const read: CacheKit["read"] = (path, who = "guest", headers = {}) =>
    send(`${hapta.url}/api/collections/${path}`, { method: "GET", token: tokenOf(who), headers });
  return {
    hapta,
    upstream,
    relay,
    tokens,
    read,
    warm: (path, who) =>
      eventually(async () => {
        const one = await read(path, who);
        return one.cache === "hit" ? one : undefined;
      }, HIT_MS),
    write: (line, body, who = "superuser") => {
      const [method = "", path = ""] = line.split(" ");
      return send(`${hapta.url}/api/${path}`, { method, token: tokenOf(who), body });
    },
    behind: (line, body) => {
      const [method = "", path = ""] = line.split(" ");
      return send(`${upstream.url}/api/${path}`, { method, token: upstream.world.tokens.superuser, body });
    },
    async [Symbol.asyncDispose]() {
      await hapta[Symbol.asyncDispose]();
      await relay[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
};

/** The key of the admin API. */
export const ADMIN_KEY = "an admin key for the cache tests 1";
