// Events that Hapta decides by itself (`Realtime.Decide`): what PocketBase tells the same callers directly, without one
// upstream stream, through random histories; and what is told around rule edits, in transactions and after an outage.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { ADA, BEN, login, type Pair, START_MS, startPair } from "../sessions/support.ts";
import type { EventStream } from "../support/eventStream.ts";
import { IDS } from "../support/fixture/records.ts";
import { createRandom } from "../support/random.ts";
import { createStep, expectSame, type Listener } from "./histories.ts";
import { asRoot, createCollections, eventsOf, listen } from "./support.ts";

setDefaultTimeout(60_000);
const STEPS = 60;
let pair: Pair;
beforeAll(async () => {
  // Nobody gets a stream of PocketBase's: whatever is heard was decided by Hapta.
  const config = { Realtime: { Decide: true }, Upstream: { MaxStreams: 1 } };
  pair = await startPair({ config });
  await createCollections(pair);
  const guest = await listen(pair.url, { topics: ["rt_public/*"] });
  const token = await login(pair.url, ADA);
  await expect(listen(pair.url, { token, topics: ["rt_role/*"] })).rejects.toThrow("503");
  void guest;
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const NAMES = ["rt_public", "rt_owner", "rt_member", "rt_field"];

const startListeners = async (topics: readonly string[]): Promise<Listener[]> => {
  const { ada, ben } = pair.pb.world.tokens;
  const callers = [
    ["ada", ada, await login(pair.url, ADA)],
    ["ada again", ada, await login(pair.url, ADA)],
    ["ben", ben, await login(pair.url, BEN)],
  ] as const;
  return Promise.all(
    callers.map(async ([name, direct, own]) => ({
      name,
      tokens: { direct, own },
      direct: await listen(pair.pb.url, { token: direct, topics }),
      own: await listen(pair.url, { token: own, topics }),
    })),
  );
};

const close = (listeners: readonly Listener[]): void => {
  for (const { direct, own } of listeners) {
    direct[Symbol.dispose]();
    own[Symbol.dispose]();
  }
};

const gapsOf = (stream: EventStream): number => (stream.text().match(/event:PB_CONNECT/g)?.length ?? 0) - 1;

/** A change that all of them hear of. */
const mark = (text: string): Promise<unknown> =>
  asRoot(pair)("POST", "/api/collections/rt_public/records", { title: text, owner: IDS.ada });
const hasGap = ({ own }: Listener): boolean => gapsOf(own) > 0;

test.each([21, 22])(
  "history %p: the same events, each as often, all of them decided by Hapta",
  async (seed) => {
    const listeners = await startListeners([...NAMES.map((name) => `${name}/*`), "rt_owner"]);
    const step = createStep(pair, createRandom(seed), { names: NAMES, rules: [] });
    try {
      for (let n = 0; n < STEPS; n++) {
        await step();
        // Changes of one record that come together are taken for one transaction's.
        await expectSame(listeners, mark, hasGap);
      }
      const counts = listeners.map(({ own }) => `${eventsOf(own).length} events, ${gapsOf(own)} gaps`);
      process.stdout.write(`decided: ${counts.join("; ")}\n`);
      for (const { own } of listeners) {
        expect([counts, eventsOf(own).length > 80]).toEqual([counts, true]);
        expect(own.text()).not.toContain("hidden");
      }
    } finally {
      close(listeners);
    }
  },
);

test("of one transaction nobody is told what was never his to see", async () => {
  const listeners = await startListeners(["rt_owner/*", "rt_public/*"]);
  const url = "/api/collections/rt_owner/records";
  try {
    for (let n = 0; n < 20; n++) {
      const id = `together${String(n).padStart(7, "0")}`;
      const requests = [
        { method: "POST", url, body: { id, owner: IDS.ada, title: "ada's" } },
        { method: "PATCH", url: `${url}/${id}`, body: { owner: IDS.ben, title: "ben's" } },
      ];
      await asRoot(pair)("POST", "/api/batch", { requests });
    }
    await expectSame(listeners, mark, hasGap);
    // PocketBase judges both by what the second one left: it tells Ben of both, and Ada of none.
    expect(listeners.map(({ direct }) => direct.text().includes("ada's"))).toEqual([false, false, true]);
    expect(listeners.map(({ own }) => own.text().includes("ada's"))).toEqual([false, false, false]);
    expect(listeners.map(hasGap)).toEqual([true, true, true]);
  } finally {
    close(listeners);
  }
});

test("a rule edited past Hapta counts from the next change on", async () => {
  const ask = asRoot(pair);
  const listeners = await startListeners(["rt_owner/*", "rt_public/*"]);
  const rules = ["owner = @request.auth.id", "title = 'nobody'", "owner != @request.auth.id", "flag = true"];
  const made = await ask("POST", "/api/collections/rt_owner/records", { owner: IDS.ada });
  try {
    for (const listRule of [...rules, ...rules]) {
      await ask("PATCH", "/api/collections/rt_owner", { listRule });
      for (const flag of [true, false])
        await ask("PATCH", `/api/collections/rt_owner/records/${made["id"]}`, {
          flag,
          title: listRule.slice(0, 5),
        });
      await expectSame(listeners, mark, hasGap);
    }
  } finally {
    await ask("PATCH", "/api/collections/rt_owner", { listRule: rules[0] });
    close(listeners);
  }
});
