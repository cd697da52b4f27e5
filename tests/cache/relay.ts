// A relay between Hapta and PocketBase that counts requests, can hold answers back, and can cut or silence the change
// feed. Changes no byte.
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { eventually } from "../support/eventually.ts";

const ARRIVAL_MS = 10_000;

/** A running relay. */
export interface Relay extends AsyncDisposable {
  readonly url: string;
  /** How many requests began with this text, such as `GET /api/collections/notices`. */
  count(start: string): number;
  /** How many requests had a request line that `test` accepts. */
  countWhere(test: (line: string) => boolean): number;
  /** Resolves when a request has begun with this text, now or before. */
  arrival(start: string): Promise<void>;
  /** Holds the answers to requests that begin with this text, until the returned function is called. */
  hold(start: string): () => void;
  /** Resolves when PocketBase has begun to answer a request that begins with this text, which is held. */
  answered(start: string): Promise<void>;
  /** Lets what streams say with this text in it come last: holds those parts alone, until the returned function is called. */
  delay(text: string): () => void;
  /** As {@link Relay.delay}, on the stream alone that was opened last when it comes. */
  delayOnNewest(text: string): () => void;
  /** Streams that are open now. */
  streams(): number;
  /** Answers requests that begin with this text itself, and may cut them off then, until the returned function is called. */
  replace(start: string, reply: string, isCut: boolean): () => void;
  /** Cuts every stream, and lets no new one through until `heal`. */
  cutFeed(): void;
  /** No stream says anything any more, old or new, until `heal`; they stay open. */
  silenceFeed(): void;
  /** Swallows what PocketBase sends on the streams of this moment, as a firewall that forgot them; new ones work. */
  swallow(): void;
  heal(): void;
}

interface Pair {
  readonly near: Socket;
  readonly far: Socket;
  isStream: boolean;
  isMute: boolean;
  request: string;
  held: Buffer[];
}

/** @param feedDelayMs - How late everything on streams arrives. */
export const startRelay = async (upstream: string, feedDelayMs = 0): Promise<Relay> => {
  const { hostname, port } = new URL(upstream);
  const pairs = new Set<Pair>();
  const counts = new Map<string, number>();
  const holds = new Set<string>();
  const delayed = new Map<string, { readonly isNewest: boolean; readonly sends: (() => void)[] }>();
  let feed: "open" | "cut" | "silent" = "open";

  const replaced = new Map<string, { readonly reply: string; readonly isCut: boolean }>();
  const replacementOf = ({ request }: Pair) =>
    [...replaced].find(([start]) => request.startsWith(start))?.[1];

  const isHeld = (pair: Pair): boolean => [...holds].some((start) => pair.request.startsWith(start));

  const fromNear = (pair: Pair, part: Buffer): void => {
    const line = /^(?:GET|HEAD|POST|PUT|PATCH|DELETE) \S+/.exec(part.toString("latin1"))?.[0];
    if (line !== undefined) {
      pair.request = line;
      counts.set(line, (counts.get(line) ?? 0) + 1);
      if (line.startsWith("GET /api/realtime")) pair.isStream = true;
    }
    const own = line === undefined ? undefined : replacementOf(pair);
    if (own?.isCut === true) pair.near.end(own.reply, "latin1");
    else if (own !== undefined) pair.near.write(own.reply, "latin1");
    else if (pair.isStream && feed === "cut") pair.near.destroy();
    else pair.far.write(part);
  };

  const streams = (): Pair[] => [...pairs].filter(({ isStream }) => isStream);
  const lateIn = (pair: Pair, part: Buffer): (() => void)[] | undefined => {
    const [, late] = [...delayed].find(([text]) => part.includes(text)) ?? [];
    return late?.isNewest === true && streams().at(-1) !== pair ? undefined : late?.sends;
  };
  const delay = (text: string, isNewest: boolean): (() => void) => {
    delayed.set(text, { isNewest, sends: [] });
    return () => {
      const late = delayed.get(text)?.sends ?? [];
      delayed.delete(text);
      for (const send of late) send();
    };
  };

  const fromFar = (pair: Pair, part: Buffer): void => {
    if (pair.isMute || (pair.isStream && feed === "silent")) return;
    const late = pair.isStream ? lateIn(pair, part) : undefined;
    if (late !== undefined) late.push(() => pair.near.write(part));
    else if (isHeld(pair)) pair.held.push(part);
    else if (pair.isStream && feedDelayMs > 0) setTimeout(() => pair.near.write(part), feedDelayMs);
    else pair.near.write(part);
  };

  const server = createServer((near) => {
    const far = connect({ host: hostname, port: Number(port) });
    const pair: Pair = { near, far, isStream: false, isMute: false, request: "", held: [] };
    pairs.add(pair);
    near.on("data", (part: Buffer) => fromNear(pair, part));
    far.on("data", (part: Buffer) => fromFar(pair, part));
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => from.destroy());
      from.on("close", () => {
        pairs.delete(pair);
        to.destroy();
      });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the relay has no port");

  const countWhere = (test: (line: string) => boolean): number =>
    [...counts].reduce((sum, [line, count]) => (test(line) ? sum + count : sum), 0);

  return {
    url: `http://127.0.0.1:${address.port}`,
    count: (start) => countWhere((line) => line.startsWith(start)),
    countWhere,
    arrival: async (start) => {
      await eventually(async () => countWhere((line) => line.startsWith(start)) > 0, ARRIVAL_MS);
    },
    hold: (start) => {
      holds.add(start);
      return () => {
        holds.delete(start);
        for (const pair of pairs)
          if (!isHeld(pair)) for (const part of pair.held.splice(0)) pair.near.write(part);
      };
    },
    answered: async (start) => {
      const isAnswered = ({ request, held }: Pair) => request.startsWith(start) && held.length > 0;
      await eventually(() => [...pairs].some(isAnswered), ARRIVAL_MS);
    },
    delay: (text) => delay(text, false),
    delayOnNewest: (text) => delay(text, true),
    streams: () => streams().length,
    replace: (start, reply, isCut) => {
      replaced.set(start, { reply, isCut });
      return () => void replaced.delete(start);
    },
    cutFeed: () => {
      feed = "cut";
      for (const pair of pairs) if (pair.isStream) pair.near.destroy();
    },
    silenceFeed: () => {
      feed = "silent";
    },
    swallow: () => {
      for (const pair of pairs) pair.isMute = pair.isStream;
    },
    heal: () => {
      // A connection that lost bytes in its middle never comes back.
      for (const pair of pairs) if (pair.isMute || (feed === "silent" && pair.isStream)) pair.near.destroy();
      feed = "open";
    },
    async [Symbol.asyncDispose]() {
      for (const { near, far } of pairs) {
        near.destroy();
        far.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
