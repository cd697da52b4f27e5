// Clients that lose their connection again and again, beside one that PocketBase tells directly and that never does:
// what both heard in the end must be the same. Used by the fast and the slow test.
import { expect } from "bun:test";
import { ADA, BEN, call, login, type Pair, startPair } from "../sessions/support.ts";
import type { EventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { asRoot, createCollections, eventsOf, idsOf, less, listen } from "./support.ts";

interface Returning {
  readonly token: string | undefined;
  /** PocketBase's own, of the same user. */
  readonly directToken: string | undefined;
  readonly topics: readonly string[];
  readonly returns: number;
}

/** What a client heard, and how often it was told that something was lost. */
interface Outcome {
  readonly own: readonly string[];
  readonly direct: readonly string[];
  readonly lost: number;
}

/** Comes back again and again while it calls `write` all the time; what it gives in the end compares. */
type Run = (write: (title: string) => Promise<unknown>) => Promise<() => Promise<Outcome>>;

/** Both sides, subscribed: all that are compared start, then run, then end, because each hears what any other writes. */
const startReturning = async (
  pair: Pair,
  { token, directToken, topics, returns }: Returning,
): Promise<Run> => {
  const direct = await listen(pair.pb.url, { token: directToken, topics });
  const heard: string[] = [];
  let [since, lost]: [string | undefined, number] = [undefined, 0];
  const leave = (stream: EventStream): void => {
    stream[Symbol.dispose]();
    heard.push(...eventsOf(stream));
    if (stream.text().includes('"recovered":false')) lost++;
    since = idsOf(stream).places.at(-1) ?? since;
  };
  const first = await listen(pair.url, { token, topics });
  await eventually(() => idsOf(first).places.length > 0, 2_000);
  leave(first);
  return async (write) => {
    let isOver = false;
    const writer = (async () => {
      for (let n = 0; !isOver; n++) await write(`w${n}`);
    })();
    for (let n = 0; n < returns; n++) {
      const stream = await listen(pair.url, { token, topics, since });
      // Some leave at once, some in the middle of what they missed, some a little later.
      if (n % 3 === 0) await eventually(() => idsOf(stream).places.length > 0, 2_000);
      if (n % 3 === 1) await Bun.sleep(n % 7);
      leave(stream);
    }
    isOver = true;
    await writer;
    return async () => {
      const last = await listen(pair.url, { token, topics, since });
      const isWhole = () => heard.length + eventsOf(last).length === eventsOf(direct).length;
      await eventually(isWhole, 5_000).catch(() => undefined);
      leave(last);
      direct[Symbol.dispose]();
      return { own: heard.sort(), direct: eventsOf(direct), lost };
    };
  };
};

/**
 * A guest and three members come back `returns` times each, all of them writing.
 *
 * @returns what each heard, beside what PocketBase told it directly.
 */
export const returnsOfFour = async (pair: Pair, returns: number): Promise<Outcome[]> => {
  const { ada, ben } = pair.pb.world.tokens;
  const topics = ["rt_public/*", "rt_member/*", "rt_owner/*"];
  const callers = [
    { token: undefined, directToken: undefined },
    { token: await login(pair.url, ADA), directToken: ada },
    { token: await login(pair.url, ADA), directToken: ada },
    { token: await login(pair.url, BEN), directToken: ben },
  ];
  const write = async (title: string): Promise<void> => {
    for (const [n, name] of ["rt_public", "rt_member", "rt_owner"].entries()) {
      const owner = n % 2 === 0 ? IDS.ada : IDS.ben;
      await asRoot(pair)("POST", `/api/collections/${name}/records`, { title, owner });
    }
  };
  const runs = await Promise.all(
    callers.map((caller) => startReturning(pair, { ...caller, topics, returns })),
  );
  const ends = await Promise.all(runs.map((run) => run(write)));
  return Promise.all(ends.map((end) => end()));
};

/** Nothing lost, nothing repeated, and not nothing. */
export const expectWhole = (outcomes: readonly Outcome[]): void => {
  for (const { own, direct, lost } of outcomes) {
    expect(lost).toBe(0);
    expect(own.length).toBeGreaterThan(50);
    expect(less(own, direct)).toEqual([]);
    expect(less(direct, own)).toEqual([]);
  }
};

/**
 * A pair in which late returns still find everything, and whose rules Hapta has read.
 * @param decides - Whether Hapta decides by itself, as it does before an embedded PocketBase.
 */
export const startReturnPair = async (decides = false): Promise<Pair> => {
  const Realtime = { HistoryEvents: 10_000, Decide: decides };
  const pair = await startPair({ config: { Realtime, ratelimit: { isEnabled: false } } });
  await createCollections(pair);
  await eventually(() => isKnown(pair), 10_000);
  return pair;
};

// What was told before Hapta knew of the collections is not told again.
const isKnown = async (pair: Pair): Promise<boolean> => {
  const topics = ["rt_public/*"];
  using first = await listen(pair.url, { topics });
  await eventually(() => idsOf(first).places.length > 0, 2_000);
  const since = idsOf(first).places.at(-1);
  const title = `known ${performance.now()}`;
  await asRoot(pair)("POST", "/api/collections/rt_public/records", { title });
  await first.contains(title);
  using second = await listen(pair.url, { topics, since });
  return (await second.contains("HAPTA_RECOVERY")).includes('"recovered":true');
};

/** Clients that only come and go, each on topics of its own. */
export const churn = async (pair: Pair, rounds: number): Promise<void> => {
  for (let n = 0; n < rounds; n++) {
    const topics = ["notices/*", `notices/n${n}`, `members/m${n}?options=%7B%7D`];
    const stream = await listen(pair.url, { topics });
    if (n % 2 === 0) expect((await post(pair, stream, [])).status).toBe(204);
    stream[Symbol.dispose]();
  }
};

const post = (pair: Pair, { clientId }: EventStream, subscriptions: readonly string[]) =>
  call(pair.url, { path: "/api/realtime", json: { clientId, subscriptions } });
