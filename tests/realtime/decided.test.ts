// Events that Hapta decides by itself (`Realtime.Decide`): what PocketBase tells the same callers and guests directly,
// without one stream of PocketBase's for them. Owner rules, roles, accounts and their addresses, through random histories.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { ADA, login, START_MS } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { createRandom } from "../support/random.ts";
import { close, createMayMiss, type Deciding, gapsOf, startDeciding, startListeners } from "./deciding.ts";
import { createStep, expectSame, type Listener } from "./histories.ts";
import { asRoot, eventsOf, listen, RULES } from "./support.ts";

setDefaultTimeout(60_000);
/** With HAPTA_SEED further histories are run, so many. */
const EFFORT = Number(process.env["HAPTA_EFFORT"] ?? 1);
const SEED = Number(process.env["HAPTA_SEED"] ?? 21);
const STEPS = 60;
/** Until there is one in which nothing is missed. */
const ROUNDS_MAX = 6;
/** Longer than a change of a role leaves anything uncertain; nothing but the strictness hangs on it. */
const CALM_MS = 300;

let pair: Deciding;
beforeAll(async () => {
  pair = await startDeciding();
  // Rules that only PocketBase can decide get none of its streams: whatever is heard was decided by Hapta.
  for (const token of [pair.own.ada, undefined])
    await expect(listen(pair.url, { token, topics: ["rt_role/*"] })).rejects.toThrow("503");
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const NAMES = ["rt_public", "rt_owner", "rt_member", "rt_field", "rt_writer", "rt_verified"];
const ACCOUNTS = ["members/*", `members/${IDS.ada}`];
const TOPICS = [...NAMES.map((name) => `${name}/*`), "rt_owner", ...ACCOUNTS];
const rulesOf = (...names: string[]): string[] => names.map((name) => RULES[name] ?? "");
/** Rules that Hapta can decide, to be edited to: of guests, and of others. */
const DECIDABLE = ["", ...rulesOf("rt_owner", "rt_field")];
const DECIDABLE_ROLES = [...DECIDABLE, ...rulesOf("rt_writer", "rt_verified")];
const EDITS = [[], DECIDABLE, DECIDABLE_ROLES];

test.each(Array.from({ length: EDITS.length * EFFORT }, (_, n) => SEED + n))(
  "history %p: the same events, each as often, all of them decided by Hapta",
  async (seed) => {
    const rules = EDITS[seed % EDITS.length] ?? [];
    const all = await startListeners(pair, TOPICS);
    const listeners = rules === DECIDABLE_ROLES ? withoutGuests(all) : all;
    const mayMiss = createMayMiss(listeners);
    const step = createStep(pair, createRandom(seed), { names: NAMES, rules, isMarked: true });
    try {
      for (let n = 0; n < STEPS; n++) {
        if ((await step()) === "role") await Bun.sleep(CALM_MS);
        // Changes of one record that come together are taken for one transaction's.
        await expectSame(listeners, pair.mark, mayMiss);
      }
      const counts = listeners.map(
        ({ own, excused }) =>
          `${eventsOf(own).length} events, ${gapsOf(own)} gaps, ${excused?.length} of them missed`,
      );
      process.stdout.write(`decided ${seed}: ${counts.join("; ")}\n`);
      for (const { own, tokens } of listeners) {
        // A guest sees fewer of them.
        const few = tokens.own === undefined ? 40 : 80;
        expect([counts, eventsOf(own).length > few]).toEqual([counts, true]);
        expect(own.text()).not.toContain("hidden");
      }
    } finally {
      close(all);
      await pair.restoreRules(NAMES);
    }
  },
);

test("a role that is won or lost on the way counts from then on", async () => {
  const ask = asRoot(pair);
  const listeners = await startListeners(pair, ["rt_writer/*", "rt_verified/*", "rt_public/*"]);
  const mayMiss = createMayMiss(listeners);
  try {
    for (let n = 0; n < 6; n++) {
      for (const id of [IDS.ada, IDS.ben]) {
        const isIn = (n % 2 === 0) === (id === IDS.ada);
        const json = { role: isIn ? "writer" : "reader", verified: isIn };
        await ask("PATCH", `/api/collections/members/records/${id}`, json);
      }
      // Twice: at once, when it may be uncertain, and when it is not.
      for (const waitMs of [0, CALM_MS]) {
        await Bun.sleep(waitMs);
        for (const name of ["rt_writer", "rt_verified"])
          await ask("POST", `/api/collections/${name}/records`, { title: `role ${n}` });
        await expectSame(listeners, pair.mark, mayMiss);
      }
    }
    for (const { own, tokens } of listeners)
      if (tokens.own !== undefined) expect(own.text().split('"role ').length).toBeGreaterThan(3);
  } finally {
    close(listeners);
  }
});

test("of one transaction nobody is told what was never his to see", async () => {
  const listeners = await startListeners(pair, ["rt_owner/*", "rt_public/*"]);
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
    await expectSame(listeners, pair.mark, createMayMiss(listeners));
    // PocketBase judges both by what the second one left: it tells Ben of both, and Ada of none.
    expect(listeners.map(({ direct }) => direct.text().includes("ada's"))).toEqual([
      false,
      false,
      true,
      false,
    ]);
    expect(listeners.map(({ own }) => own.text().includes("ada's"))).toEqual([false, false, false, false]);
    expect(listeners.map(({ own }) => gapsOf(own) > 0)).toEqual([true, true, true, false]);
  } finally {
    close(listeners);
  }
});

/** How many events they have missed so far, all together. */
const missedBy = (listeners: readonly Listener[]): number =>
  listeners.reduce((sum, { excused }) => sum + (excused?.length ?? 0), 0);

// Rules that read a role are PocketBase's to decide for guests, and no stream is left for those.
const withoutGuests = (listeners: readonly Listener[]): Listener[] =>
  listeners.filter(({ name }) => name !== "guest");

test("a rule edited past Hapta counts from the next change on", async () => {
  const ask = asRoot(pair);
  const listeners = await startListeners(pair, ["rt_owner/*", "rt_public/*"]);
  const mayMiss = createMayMiss(listeners);
  const rules = [
    ...["owner = @request.auth.id", "title = 'nobody'", "owner != @request.auth.id", "flag = true"],
  ];
  const ofRoles = "flag = true || @request.auth.verified = true";
  const made = await ask("POST", "/api/collections/rt_owner/records", { owner: IDS.ada });
  let those: readonly Listener[] = listeners;
  try {
    for (const listRule of [...rules, ...rules, ofRoles, ...rules, ofRoles]) {
      if (listRule === ofRoles) those = withoutGuests(listeners);
      await ask("PATCH", "/api/collections/rt_owner", { listRule });
      for (const flag of [true, false])
        await ask("PATCH", `/api/collections/rt_owner/records/${made["id"]}`, {
          flag,
          title: listRule.slice(0, 5),
        });
      await expectSame(those, pair.mark, mayMiss);
    }
  } finally {
    await pair.restoreRules(["rt_owner"]);
    close(listeners);
  }
});

test("addresses of accounts are told to themselves, to who manages them, and to all if the account says so", async () => {
  const ask = asRoot(pair);
  const listeners = await startListeners(pair, ["members/*", "rt_public/*"]);
  const mayMiss = createMayMiss(listeners);
  const change = (id: string, json: unknown) => ask("PATCH", `/api/collections/members/records/${id}`, json);
  const manageRules = [
    ...[null, "verified = false"],
    ...["@request.auth.role = 'writer'", "name = @request.auth.name || verified = false"],
  ];
  try {
    for (const [n, manageRule] of manageRules.entries()) {
      const those = manageRule?.includes("@request") === true ? withoutGuests(listeners) : listeners;
      await ask("PATCH", "/api/collections/members", { manageRule });
      for (const [role, emailVisibility] of [
        ["writer", false],
        ["reader", true],
        ["reader", false],
      ] as const) {
        const verified = manageRule !== "verified = false";
        // Again while anything of it was a gap: on a busy machine changes come together.
        for (let [round, before] = [0, -1]; round < ROUNDS_MAX && missedBy(those) !== before; round++) {
          before = missedBy(those);
          for (const id of [IDS.ada, IDS.ben]) await change(id, { role, emailVisibility, verified });
          await Bun.sleep(CALM_MS);
          await change(IDS.ada, { name: `Ada ${n}${role}` });
          await change(IDS.ben, { name: `Ben ${n}${role}` });
          await expectSame(those, pair.mark, mayMiss);
        }
      }
    }
    const shown = listeners.map(({ own }) => own.text().split(ADA.email).length - 1);
    // To herself always, to Ben and to guests now and then.
    const [toAda = 0, , toBen = 0, toGuests = 0] = shown;
    expect(Math.min(toBen, toGuests)).toBeGreaterThan(0);
    expect(toAda).toBeGreaterThan(toBen);
    for (const { own } of listeners) expect(own.text()).not.toMatch(/tokenKey|remark|password/);
  } finally {
    await ask("PATCH", "/api/collections/members", { manageRule: null });
    close(listeners);
  }
});

test("whoever PocketBase takes for a guest from a change on is told nothing that comes with it or after it", async () => {
  const ask = asRoot(pair);
  const collection = "rt_people";
  await ask("POST", "/api/collections", { name: collection, type: "auth" });
  const password = "a password of theirs 1";
  const record = (id: unknown) => `/api/collections/${collection}/records/${id}`;
  const create = { method: "POST", url: "/api/collections/rt_member/records", body: { title: "too late" } };
  const endings: readonly ((id: unknown) => Promise<unknown>)[] = [
    ...Array.from({ length: 3 }, () => (id: unknown) => {
      const body = { password: `${password}2`, passwordConfirm: `${password}2` };
      return ask("POST", "/api/batch", { requests: [{ method: "PATCH", url: record(id), body }, create] });
    }),
    (id) => ask("POST", "/api/batch", { requests: [{ method: "DELETE", url: record(id) }, create] }),
    async () => {
      await ask("PATCH", `/api/collections/${collection}`, { authToken: { secret: "x".repeat(40) } });
      await ask("POST", create.url, create.body);
    },
  ];
  for (const [n, end] of endings.entries()) {
    const account = { collection, email: `person${n}@example.com`, password };
    const person = { email: account.email, password, passwordConfirm: password };
    const { id } = await ask("POST", `/api/collections/${collection}/records`, person);
    const topics = ["rt_member/*"];
    const direct = await listen(pair.pb.url, { token: await login(pair.pb.url, account), topics });
    const token = await login(pair.url, account);
    // Of a collection that Hapta has not heard of yet, PocketBase would have to decide.
    const own = await eventually(() => listen(pair.url, { token, topics }), 20_000);
    const other = await listen(pair.url, { token: pair.own.ben, topics });
    await end(id);
    await eventually(() => other.text().includes("too late"), 10_000);
    expect([n, direct.text().includes("too late"), own.text().includes("too late")]).toEqual([
      n,
      false,
      false,
    ]);
    for (const stream of [direct, own, other]) stream[Symbol.dispose]();
  }
});
