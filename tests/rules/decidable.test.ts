// What Hapta decides of rules by itself against PocketBase's lists: drawn rules, records of all kinds of values, three
// callers whose own records change, and a guest. Whatever is decided must be what PocketBase answers.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Collection, toCollection } from "../../src/pocketbase/collection.ts";
import type { Schema } from "../../src/pocketbase/liveSchema.ts";
import { type Caller, type RecordValues, toDecidable } from "../../src/rules/decidable.ts";
import { createDecidableTopics } from "../../src/rules/decidableTopics.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createRandom } from "../support/random.ts";
import { ACCOUNTS, CALLER_FIELDS, drawCaller, drawRecord, drawRule, FIELDS, RECORDS } from "./drawnRules.ts";

setDefaultTimeout(120_000);
/** More than the usual number shows more, and takes longer. */
const EFFORT = Number(process.env["HAPTA_EFFORT"] ?? 1);
const SEED = Number(process.env["HAPTA_SEED"] ?? 20_261_123);
const RULES_DRAWN = 340 * EFFORT;
const ACCOUNT_RULES_DRAWN = 60 * EFFORT;
/** How many rules are tried before the callers change. */
const RULES_A_LIFE = 10;

let pb: PocketBase;
let people: readonly Person[];
beforeAll(async () => {
  pb = await startPocketBase();
  await addCallerFields("members");
  await addCallerFields("keepers");
  people = await readPeople();
}, 60_000);
afterAll(() => pb[Symbol.asyncDispose]());

/** Who asks. */
interface Person {
  readonly id: string;
  /** Collection; "" for a guest. */
  readonly in: string;
  readonly token: string;
}

const GUEST: Person = { id: "", in: "", token: "" };

const createAsk =
  (token: string) =>
  async (method: string, path: string, json?: unknown): Promise<unknown> => {
    const headers = { Authorization: token, "Content-Type": "application/json" };
    const body = json === undefined ? null : JSON.stringify(json);
    const response = await fetch(`${pb.url}${path}`, { method, headers, body });
    if (response.status === 400 && method === "PATCH") return undefined;
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  };
const asRoot: ReturnType<typeof createAsk> = (...asked) => createAsk(pb.world.tokens.superuser)(...asked);

const recordsOf = (name: string): string => `/api/collections/${name}/records`;
const collectionOf = async (name: string): Promise<Collection> =>
  toCollection(await asRoot("GET", `/api/collections/${name}`));

const addCallerFields = async (name: string): Promise<void> => {
  const path = `/api/collections/${name}`;
  const { fields } = (await asRoot("GET", path)) as { fields: readonly { name: string }[] };
  const own = new Set(CALLER_FIELDS.map((field) => field.name));
  const others = fields.filter((field) => !own.has(field.name));
  if ((await asRoot("PATCH", path, { fields: [...others, ...CALLER_FIELDS] })) === undefined)
    throw new Error(`the fields of ${name} were refused`);
};

const tokenOf = async (collection: string, id: string): Promise<string> => {
  const path = `/api/collections/${collection}/impersonate/${id}`;
  return ((await asRoot("POST", path, { duration: 6_000 })) as { token: string }).token;
};

const readPeople = async (): Promise<Person[]> => {
  const { ada, ben } = pb.world.tokens;
  return [
    { id: IDS.ada, in: "members", token: ada },
    { id: IDS.ben, in: "members", token: ben },
    { id: IDS.keeper, in: "keepers", token: await tokenOf("keepers", IDS.keeper) },
    GUEST,
  ];
};

/** Changes what the callers are, and reads them as the change feed would tell. */
const liveOn = (random: () => number, who: readonly Person[]): Promise<readonly (Caller | undefined)[]> =>
  Promise.all(
    who.map(async ({ id, in: collection }) => {
      if (collection === "") return undefined;
      const record = await asRoot("PATCH", `${recordsOf(collection)}/${id}`, drawCaller(random));
      if (record === undefined) throw new Error("a caller was refused");
      return { id, record: record as RecordValues };
    }),
  );

interface Page {
  readonly items: readonly RecordValues[];
}

const listAs = async (token: string, name: string, fields = ""): Promise<Page["items"]> => {
  const page = (await createAsk(token)("GET", `${recordsOf(name)}?perPage=100${fields}`)) as Page;
  return page.items;
};

test("what is decided of drawn rules is what PocketBase answers, for every record and caller", async () => {
  const random = createRandom(SEED);
  await asRoot("POST", "/api/collections", { name: "decided", type: "base", fields: FIELDS });
  for (let n = 0; n < 40; n++) await asRoot("POST", recordsOf("decided"), drawRecord(random));
  const items = await listAs(pb.world.tokens.superuser, "decided");
  const base = await collectionOf("decided");
  const collections = await Promise.all(
    people.map((person) => (person === GUEST ? undefined : collectionOf(person.in))),
  );
  const tally = { rules: 0, decidable: 0, ofRoles: 0, ofGuests: 0, decisions: 0, yes: 0, unsure: 0 };
  let callers: readonly (Caller | undefined)[] = [];
  for (let n = 0; n < RULES_DRAWN; n++) {
    if (n % RULES_A_LIFE === 0) callers = await liveOn(random, people);
    const rule = drawRule(random, RECORDS);
    const decided = collections.map((collection) => toDecidable(rule, base, collection));
    if (decided[0] === undefined && n % 4 !== 0) continue;
    // PocketBase refuses rules that name what is not there.
    const isTaken = (await asRoot("PATCH", "/api/collections/decided", { listRule: rule })) !== undefined;
    if (!isTaken) expect([rule, decided[0]]).toEqual([rule, undefined]);
    if (!isTaken) continue;
    tally.rules += 1;
    if (decided[0] !== undefined) tally.decidable += 1;
    if (decided[0]?.readsCaller === true) tally.ofRoles += 1;
    const lists = await Promise.all(people.map(({ token }) => listAs(token, "decided", "&fields=id")));
    for (const [index, { id }] of people.entries()) {
      const own = decided[index];
      const caller = callers[index];
      if (own === undefined || (caller === undefined && id !== GUEST.id)) continue;
      if (id === GUEST.id) tally.ofGuests += 1;
      const seen = new Set(lists[index]?.map((record) => record["id"]));
      for (const record of items) {
        const verdict = own.holds(record, caller);
        if (verdict === undefined) tally.unsure += 1;
        else expect([rule, caller, record, verdict]).toEqual([rule, caller, record, seen.has(record["id"])]);
        tally.decisions += 1;
        if (verdict === true) tally.yes += 1;
        // Whom a rule does not name hears what any stranger hears.
        if (!own.readsCaller && !own.idsIn(record).includes(id))
          expect(own.holds(record, undefined)).toEqual(verdict);
        // Of whom nothing is known, nothing else is said.
        const blind = own.holds(record, { id, record: undefined });
        if (blind !== undefined) expect(blind).toBe(seen.has(record["id"]));
      }
    }
  }
  process.stdout.write(`decidable rules: ${JSON.stringify(tally)}\n`);
  expect(tally.decidable).toBeGreaterThan(100 * EFFORT);
  expect(tally.ofRoles).toBeGreaterThan(40 * EFFORT);
  expect(tally.ofGuests).toBeGreaterThan(40 * EFFORT);
  expect(tally.decisions).toBeGreaterThan(10_000 * EFFORT);
  expect(tally.yes).toBeGreaterThan(1_000 * EFFORT);
  expect(tally.unsure).toBe(0);
});

/** Collections as they are, for reading topics. */
const schemaOf = async (names: readonly string[]): Promise<Schema> => {
  const collections = await Promise.all(names.map(collectionOf));
  const find = (segment: string) => collections.find(({ id, name }) => id === segment || name === segment);
  return { version: 1, collections, find };
};

test("who sees which account, and whose address, is what PocketBase answers", async () => {
  const random = createRandom(SEED);
  const fields = [{ name: "name", type: "text" }, ...CALLER_FIELDS];
  await asRoot("POST", "/api/collections", { name: "accounts", type: "auth", fields });
  for (let n = 0; n < 10; n++) {
    const email = `account${n}@example.com`;
    const known = { email, name: `n${n % 3}`, password: PASSWORD, passwordConfirm: PASSWORD };
    await asRoot("POST", recordsOf("accounts"), { ...known, ...drawCaller(random) });
  }
  const all = await listAs(pb.world.tokens.superuser, "accounts");
  const insiders = await Promise.all(
    all.slice(0, 2).map(async ({ id }) => {
      const token = await tokenOf("accounts", String(id));
      return { id: String(id), in: "accounts", token };
    }),
  );
  const askers = [...people.slice(0, 1), ...insiders, GUEST];
  const tally = { rules: 0, ofGuests: 0, decisions: 0, shown: 0, withoutEmail: 0 };
  for (let n = 0; n < ACCOUNT_RULES_DRAWN; n++) {
    const callers = await liveOn(random, askers);
    const rules = {
      listRule: random() < 0.3 ? "" : drawRule(random, ACCOUNTS),
      manageRule: random() < 0.2 ? null : drawRule(random, ACCOUNTS),
    };
    if ((await asRoot("PATCH", "/api/collections/accounts", rules)) === undefined) continue;
    const schema = await schemaOf(["accounts", "members"]);
    const read = createDecidableTopics({ current: () => schema });
    const items = await listAs(pb.world.tokens.superuser, "accounts");
    const lists = await Promise.all(askers.map(({ token }) => listAs(token, "accounts")));
    for (const [index, { in: collection }] of askers.entries()) {
      const rule = read("accounts/*", schema.find(collection)?.id ?? "")?.rule;
      if (rule === undefined) continue;
      tally.rules += 1;
      if (collection === GUEST.in) tally.ofGuests += 1;
      const found = new Map(lists[index]?.map((record) => [record["id"], record]));
      for (const record of items) {
        const sight = rule.sight(record, callers[index]);
        const seen = found.get(record["id"]);
        const expected = seen === undefined ? "nothing" : "email" in seen ? "everything" : "withoutEmail";
        expect([rules, callers[index], record, sight]).toEqual([rules, callers[index], record, expected]);
        tally.decisions += 1;
        if (seen === undefined || sight === undefined || sight === "nothing") continue;
        tally.shown += 1;
        if (sight === "withoutEmail") tally.withoutEmail += 1;
        const told: unknown = JSON.parse(rule.shown(JSON.stringify({ record }), sight) ?? "");
        expect(told).toEqual({ record: seen });
      }
    }
  }
  process.stdout.write(`decidable accounts: ${JSON.stringify(tally)}\n`);
  expect(tally.rules).toBeGreaterThan(40 * EFFORT);
  expect(tally.ofGuests).toBeGreaterThan(4 * EFFORT);
  expect(tally.shown).toBeGreaterThan(100 * EFFORT);
  expect(tally.withoutEmail).toBeGreaterThan(30 * EFFORT);
});
