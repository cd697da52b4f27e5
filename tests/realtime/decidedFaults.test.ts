// What Hapta decides by itself when PocketBase restarts, the change feed is cut, or Hapta restarts: who was told of a gap
// hears afterwards what PocketBase tells, by the roles and rules that came meanwhile.
import { expect, setDefaultTimeout, test } from "bun:test";
import { START_MS } from "../sessions/support.ts";
import type { EventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { startAgain, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, freePort } from "../support/scratch.ts";
import { startStallingProxy } from "../upstream/stallingProxy.ts";
import {
  close,
  createMayMiss,
  DECIDING,
  type Deciding,
  decidedFor,
  fromNow,
  gapsOf,
  startDeciding,
  startListeners,
} from "./deciding.ts";
import { expectSame, type Listener } from "./histories.ts";
import { asRoot, eventsOf, listen } from "./support.ts";

setDefaultTimeout(2 * START_MS);
const ROUNDS_MAX = 60;
const PAUSE_MS = 200;
const TOPICS = ["rt_public/*", "rt_field/*", "rt_owner/*", "rt_writer/*", "rt_verified/*", "members/*"];

let made = 0;
/** A few changes that callers see differently. */
const change = async (pair: Deciding): Promise<void> => {
  const ask = asRoot(pair);
  for (const name of ["rt_owner", "rt_writer", "rt_verified"])
    for (const owner of [IDS.ada, IDS.ben])
      await ask("POST", `/api/collections/${name}/records`, { title: `n${made++}`, owner });
  await ask("POST", "/api/collections/rt_field/records", { title: `n${made++}`, flag: true });
};

const setRole = (pair: Deciding, id: string, role: string): Promise<unknown> =>
  asRoot(pair)("PATCH", `/api/collections/members/records/${id}`, { role, verified: role === "writer" });

const listenAs = (url: string, token: string | undefined): Promise<EventStream> =>
  listen(url, { token, topics: decidedFor(token, TOPICS) });

/** The same callers from now on, with streams at PocketBase that are new. */
const again = (pair: Deciding, listeners: readonly Listener[]): Promise<readonly Listener[]> =>
  Promise.all(
    listeners.map(async (listener) => ({
      ...listener,
      direct: await listenAs(pair.pb.url, listener.tokens.direct),
      own: fromNow(listener.own),
      excused: [],
    })),
  );

/** Events as PocketBase tells them, each as often, to everybody: before long without a gap. */
const expectAsPocketBase = async (pair: Deciding, listeners: readonly Listener[]): Promise<void> => {
  const mayMiss = createMayMiss(listeners);
  const count = (of: (stream: EventStream) => number): number =>
    listeners.reduce((sum, { own }) => sum + of(own), 0);
  // What may have been judged by a rule that was just edited is a gap for two seconds.
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = { gaps: count(gapsOf), events: count((stream) => eventsOf(stream).length) };
    await change(pair);
    await expectSame(listeners, pair.mark, mayMiss);
    const heard = count((stream) => eventsOf(stream).length) - before.events;
    if (count(gapsOf) === before.gaps && heard >= 3 * listeners.length) return;
    await Bun.sleep(PAUSE_MS);
  }
  expect.unreachable("each time there was a gap");
};

test("PocketBase is killed: streams stay, hear of a gap, and then what roles and rules say that changed meanwhile", async () => {
  await using pair = await startDeciding();
  for (const id of [IDS.ada, IDS.ben]) await setRole(pair, id, "reader");
  const listeners = await startListeners(pair, TOPICS);
  await expectAsPocketBase(pair, listeners);
  pair.pb.child.kill("SIGKILL");
  await pair.pb.child.exited;
  await using _again = await startAgain(pair.pb);
  await setRole(pair, IDS.ben, "writer");
  await asRoot(pair)("PATCH", "/api/collections/rt_owner", { listRule: "owner != @request.auth.id" });
  await eventually(() => listeners.every(({ own }) => gapsOf(own) > 0), 30_000);
  const after = await again(pair, listeners);
  await expectAsPocketBase(pair, after);
  close(listeners);
  close(after);
});

test("the feed is cut: what was missed is a gap, and roles are read anew", async () => {
  const pb = await startPocketBase();
  using proxy = await startStallingProxy(pb.url);
  await using pair = await startDeciding({ pb, via: proxy });
  const listeners = await startListeners(pair, TOPICS);
  const mayMiss = createMayMiss(listeners);
  try {
    for (const role of ["writer", "reader", "writer"]) {
      proxy.cut();
      const before = listeners.map(({ own }) => gapsOf(own));
      for (const id of [IDS.ada, IDS.ben]) await setRole(pair, id, role);
      await change(pair);
      await eventually(() => listeners.every(({ own }, n) => gapsOf(own) > (before[n] ?? 0)), 30_000);
      await change(pair);
      await expectSame(listeners, pair.mark, mayMiss);
    }
  } finally {
    close(listeners);
  }
});

test("Hapta restarts: clients that come back hear what PocketBase tells", async () => {
  using data = createScratch("decided");
  const port = await freePort();
  const pb = await startPocketBase();
  const options = { pb, port, config: DECIDING, env: { HAPTA_DATA_DIR: data.path } };
  let before: readonly Listener[];
  {
    const first = await startDeciding(options);
    before = await startListeners(first, TOPICS);
    await expectAsPocketBase(first, before);
    await first.hapta[Symbol.asyncDispose]();
    close(before);
  }
  await using second = await startDeciding(options);
  const back = await Promise.all(
    before.map(async (listener) => ({
      ...listener,
      direct: await listenAs(pb.url, listener.tokens.direct),
      own: await listenAs(second.url, listener.tokens.own),
      excused: [],
    })),
  );
  await setRole(second, IDS.ada, "writer");
  await expectAsPocketBase(second, back);
  close(back);
});
