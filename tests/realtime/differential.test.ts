// A direct subscriber of PocketBase beside one of Hapta, as the same caller, through random histories: both hear the
// same events, each as often. Rules of all kinds, rule edits, access won and lost, cascades, batches, renewed streams.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { ADA, BEN, login, type Pair, ROOT, START_MS, startPair } from "../sessions/support.ts";
import { IDS } from "../support/fixture/records.ts";
import { createRandom } from "../support/random.ts";
import { createStep, expectSame, type Listener } from "./histories.ts";
import {
  asRoot,
  createCollections,
  eventsOf,
  idsOf,
  listen,
  RULES,
  subscribe,
  topicWith,
} from "./support.ts";

setDefaultTimeout(60_000);
const STEPS = 60;
let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  await createCollections(pair);
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const NAMES = Object.keys(RULES);
const TOPICS = [
  ...NAMES.map((name) => `${name}/*`),
  "rt_public",
  topicWith("rt_asked/*", { query: { key: "k" } }),
  topicWith("rt_asked/*", { headers: { "X-Token": "k" } }),
  topicWith("rt_public/*", { query: { filter: "flag = true", fields: "id,title,flag" } }),
  topicWith("rt_parent/*", { query: { expand: "parent,owner" } }),
  topicWith("rt_public/*", { query: { filter: "nonsense ((" } }),
  "members/*",
  `members/${IDS.ada}`,
  "*",
  "nosuch/*",
];

const startListeners = async (): Promise<Listener[]> => {
  const { superuser, ada, ben } = pair.pb.world.tokens;
  const callers = [
    ["guest", undefined, undefined],
    ["ada", ada, await login(pair.url, ADA)],
    ["ada again", ada, await login(pair.url, ADA)],
    ["ben", ben, await login(pair.url, BEN)],
    ["root", superuser, await login(pair.url, ROOT)],
  ] as const;
  return Promise.all(
    callers.map(async ([name, direct, own]) => ({
      name,
      tokens: { direct, own },
      direct: await listen(pair.pb.url, { token: direct, topics: TOPICS }),
      own: await listen(pair.url, { token: own, topics: TOPICS }),
    })),
  );
};

test.each([11, 12])(
  "history %p: the same events, each as often, for guest, members and superuser",
  async (seed) => {
    const random = createRandom(seed);
    const listeners = await startListeners();
    const step = createStep(pair, random, { names: NAMES, rules: Object.values(RULES) });
    const mark = (text: string) =>
      asRoot(pair)("PATCH", `/api/collections/members/records/${IDS.ada}`, { name: `Ada ${text}` });
    try {
      for (let n = 0; n < STEPS; n++) {
        await step();
        if (n % 20 !== 19) continue;
        // All of it has arrived where a later event of the same collection has, and what follows; order is not kept.
        await expectSame(listeners, mark);
        // Other topics, and back: subscriptions are replaced as a whole.
        for (const { direct, own, tokens } of listeners) {
          const topics = n === 19 ? ["members/*", ...TOPICS.slice(0, 6)] : TOPICS;
          expect(await subscribe(pair.pb.url, direct, { token: tokens.direct, topics })).toBe(204);
          expect(await subscribe(pair.url, own, { token: tokens.own, topics })).toBe(204);
        }
      }
      await expectSame(listeners, mark);
      for (const { own, direct } of listeners) {
        expect([...idsOf(own).names]).toEqual([own.clientId]);
        expect(own.clientId).not.toBe(direct.clientId);
      }
      const counts = listeners.map(({ name, own }) => `${name}: ${eventsOf(own).length}`);
      // A history in which nothing is heard proves nothing.
      for (const { own } of listeners)
        expect([counts.join(", "), eventsOf(own).length > 20]).toEqual([counts.join(", "), true]);
    } finally {
      for (const { direct, own } of listeners) {
        direct[Symbol.dispose]();
        own[Symbol.dispose]();
      }
    }
  },
);
