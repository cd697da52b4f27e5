// A direct subscriber of PocketBase beside one of Hapta, as the same caller, through random histories: both hear the
// same events, each as often. Rules of all kinds, rule edits, access won and lost, cascades, batches, renewed streams.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { ADA, BEN, login, logout, type Pair, ROOT, START_MS, startPair } from "../sessions/support.ts";
import type { EventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { createRandom } from "../support/random.ts";
import {
  asRoot,
  createCollections,
  eventsOf,
  idsOf,
  less,
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

interface Listener {
  readonly name: string;
  readonly direct: EventStream;
  readonly own: EventStream;
  readonly tokens: { readonly direct: string | undefined; readonly own: string | undefined };
}

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

/** One random step of a history. */
const createStep = (random: () => number) => {
  const ask = asRoot(pair);
  const records: { name: string; id: string }[] = [];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const fields = () => ({
    title: `t${Math.floor(random() * 3)}`,
    flag: random() < 0.5,
    secret: "hidden",
    owner: pick(["", IDS.ada, IDS.ben]),
  });
  const pathOf = (name: string): string => `/api/collections/${name}/records`;
  const create = async (name = pick(NAMES)): Promise<void> => {
    const parents = records.filter((record) => record.name === "rt_public");
    const parent = name === "rt_public" || parents.length === 0 ? {} : { parent: pick(parents).id };
    const made = await ask("POST", pathOf(name), { ...fields(), ...parent });
    records.push({ name, id: String(made["id"]) });
  };
  const forget = (id: string): void => {
    records.splice(
      records.findIndex((record) => record.id === id),
      1,
    );
  };
  const steps: Record<string, () => Promise<unknown>> = {
    create,
    update: () => {
      const { name, id } = pick(records);
      return ask("PATCH", `${pathOf(name)}/${id}`, fields());
    },
    delete: async () => {
      const children = records.filter(({ name }) => name !== "rt_public");
      if (children.length === 0) return;
      const { name, id } = pick(children);
      await ask("DELETE", `${pathOf(name)}/${id}`).catch(() => undefined);
      forget(id);
    },
    // With all that hangs on it.
    cascade: async () => {
      const parents = records.filter(({ name }) => name === "rt_public");
      if (parents.length === 0) return;
      const { id } = pick(parents);
      await ask("DELETE", `${pathOf("rt_public")}/${id}`);
      records.length = 0;
    },
    batch: () =>
      ask("POST", "/api/batch", {
        requests: Array.from({ length: 3 }, () => ({
          method: "POST",
          url: pathOf(pick(NAMES)),
          body: fields(),
        })),
      }),
    rule: async () => {
      const name = pick(NAMES);
      const rule = pick([...Object.values(RULES), RULES[name] ?? null]);
      const isAbout = rule?.includes("parent.") === true && name === "rt_public";
      if (!isAbout) await ask("PATCH", `/api/collections/${name}`, { listRule: rule, viewRule: rule });
    },
    member: () =>
      ask("PATCH", `/api/collections/members/records/${IDS.ben}`, { name: pick(["Ben", "Ada II"]) }),
    // Ends a session of Ada's, so that her stream is renewed while events come.
    device: async () => {
      const token = await login(pair.url, ADA);
      using _stream = await listen(pair.url, { token, topics: ["rt_owner/*"] });
      expect(await logout(pair.url, token)).toBe(204);
    },
  };
  const odds = ["create", "create", "create", "update", "update", "update", "delete", "cascade", "batch"];
  odds.push("rule", "member", "device");
  return async (): Promise<void> => {
    const name = records.length === 0 ? "create" : pick(odds);
    await steps[name]?.();
  };
};

test.each([11, 12])(
  "history %p: the same events, each as often, for guest, members and superuser",
  async (seed) => {
    const random = createRandom(seed);
    const listeners = await startListeners();
    const step = createStep(random);
    const marks: string[] = [];
    try {
      for (let n = 0; n < STEPS; n++) {
        await step();
        if (n % 20 !== 19) continue;
        // All of it has arrived where a later event of the same collection has, and what follows; order is not kept.
        await expectSame(listeners, marks);
        // Other topics, and back: subscriptions are replaced as a whole.
        for (const { direct, own, tokens } of listeners) {
          const topics = n === 19 ? ["members/*", ...TOPICS.slice(0, 6)] : TOPICS;
          expect(await subscribe(pair.pb.url, direct, { token: tokens.direct, topics })).toBe(204);
          expect(await subscribe(pair.url, own, { token: tokens.own, topics })).toBe(204);
        }
      }
      await expectSame(listeners, marks);
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

const expectSame = async (listeners: readonly Listener[], marks: string[]): Promise<void> => {
  const mark = `Ada mark${marks.push("") + performance.now()}`;
  await asRoot(pair)("PATCH", `/api/collections/members/records/${IDS.ada}`, { name: mark });
  for (const { own, direct, name } of listeners) {
    await eventually(() => own.text().includes(mark) && direct.text().includes(mark), 5_000);
    await eventually(() => eventsOf(own).join("\n") === eventsOf(direct).join("\n"), 3_000).catch(() => {
      const [here, there] = [eventsOf(own), eventsOf(direct)];
      throw new Error(
        `${name}: ${JSON.stringify({ tooMuch: less(here, there), missing: less(there, here) }, null, 1)}`,
      );
    });
  }
};
