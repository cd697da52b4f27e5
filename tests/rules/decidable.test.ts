// What Hapta decides of rules by itself against PocketBase's lists: drawn rules, records of all kinds of values, three
// callers. Whatever is decided must be what PocketBase answers.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { type Collection, toCollection } from "../../src/pocketbase/collection.ts";
import { type RecordValues, toDecidable } from "../../src/rules/decidable.ts";
import { IDS } from "../support/fixture/records.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createRandom } from "../support/random.ts";

setDefaultTimeout(60_000);
const RULES_DRAWN = 500;

let pb: PocketBase;
beforeAll(async () => {
  pb = await startPocketBase();
}, 60_000);
afterAll(() => pb[Symbol.asyncDispose]());

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

const relation = { type: "relation", collectionId: "pbc_members0001" };
const FIELDS = [
  { name: "title", type: "text" },
  { name: "note", type: "text" },
  { name: "owner", ...relation, maxSelect: 1 },
  { name: "readers", ...relation, maxSelect: 5 },
  { name: "state", type: "select", maxSelect: 1, values: ["draft", "live", "1"] },
  { name: "tags", type: "select", maxSelect: 3, values: ["draft", "live", "1"] },
  { name: "mail", type: "email" },
  { name: "site", type: "url" },
  { name: "isOpen", type: "bool" },
  { name: "rank", type: "number" },
  { name: "due", type: "date" },
  { name: "data", type: "json" },
  { name: "secret", type: "text", hidden: true },
  { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
];

const TEXTS = [
  ...[
    "",
    "draft",
    "Draft",
    "live",
    "1",
    "1.0",
    "01",
    "true",
    "null",
    " a",
    "a ",
    "a%",
    "x'y",
    'x"y',
    "é",
    "É",
  ],
  ...["0", IDS.ada, IDS.ben, IDS.keeper, "\u{1f600}", "a\\b", "a\tb", "members", "<&>", "\u2028", "e\u0301"],
];
const NUMBERS = [0, 1, -1, 1.5, 0.1, 123_456_789_012, -0.000_001, 1e21, 2 ** 53, 7];
const DATES = ["", "2024-01-01 00:00:00.000Z"];

const NAMES = FIELDS.map(({ name }) => name).concat("id", "nosuch", "collectionName");
const CALLER = ["id", "collectionId", "collectionName", "name", "verified", "email", "id:isset"];
const OPERATORS = ["=", "!=", "?=", "?!=", ">", ">=", "<", "<=", "~", "!~", "?>"];

const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;

const drawRule = (random: () => number): string => {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const literal = (): string => {
    const kind = random();
    if (kind < 0.6) return quoted(pick(TEXTS));
    if (kind < 0.8) return String(pick(NUMBERS));
    return pick(["true", "false", "null", "TRUE", "Null", '""', "1.50", "007"]);
  };
  const caller = (): string => `@request.auth.${random() < 0.7 ? "id" : pick(CALLER)}`;
  const left = (): string => (random() < 0.75 ? pick(NAMES) : caller());
  const right = (): string => pick([literal, literal, caller, left])();
  const comparison = (): string => {
    // Pairs that mean something are worth more than chance would give them.
    const kind = random();
    if (kind < 0.2)
      return `${pick(["owner", "title", "id", "note"])} ${pick(["=", "!=", "?="])} @request.auth.id`;
    if (kind < 0.3) return `isOpen ${pick(["=", "!="])} ${pick(["true", "false"])}`;
    if (kind < 0.4) return `rank ${pick(OPERATORS.slice(0, 8))} ${pick(NUMBERS)}`;
    const operator = random() < 0.6 ? pick(["=", "!="]) : pick(OPERATORS);
    return random() < 0.8 ? `${left()} ${operator} ${right()}` : `${right()} ${operator} ${left()}`;
  };
  const junction = (depth: number): string => {
    if (depth === 0 || random() < 0.4) return comparison();
    const parts = Array.from({ length: 2 + Math.floor(random() * 2) }, () => junction(depth - 1));
    return `(${parts.join(pick([" && ", " || "]))})`;
  };
  return junction(2);
};

const drawRecord = (random: () => number): Record<string, unknown> => {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  return {
    title: pick(TEXTS),
    note: pick(TEXTS),
    owner: pick(["", IDS.ada, IDS.ben]),
    readers: pick([[], [IDS.ada], [IDS.ada, IDS.ben]]),
    state: pick(["", "draft", "live", "1"]),
    tags: pick([[], ["draft"], ["draft", "live"]]),
    mail: pick(["", "a@example.com", "A@example.com"]),
    site: pick(["", "https://example.com"]),
    isOpen: random() < 0.5,
    rank: pick(NUMBERS),
    due: pick(DATES),
    data: pick([null, "", 1, "draft", { a: 1 }, []]),
    secret: pick(TEXTS),
  };
};

interface Caller {
  readonly id: string;
  readonly collection: Collection;
  readonly token: string;
}

const collectionOf = async (name: string): Promise<Collection> =>
  toCollection(await asRoot("GET", `/api/collections/${name}`));

const readCallers = async (): Promise<Caller[]> => {
  const { ada, ben } = pb.world.tokens;
  const [members, keepers] = [await collectionOf("members"), await collectionOf("keepers")];
  const path = `/api/collections/keepers/impersonate/${IDS.keeper}`;
  const { token } = (await asRoot("POST", path, { duration: 600 })) as { token: string };
  return [
    { id: IDS.ada, collection: members, token: ada },
    { id: IDS.ben, collection: members, token: ben },
    { id: IDS.keeper, collection: keepers, token },
  ];
};

const RECORDS = "/api/collections/decided/records";

test("what is decided of drawn rules is what PocketBase answers, for every record and caller", async () => {
  const random = createRandom(Number(process.env["HAPTA_SEED"] ?? 20_261_123));
  await asRoot("POST", "/api/collections", { name: "decided", type: "base", fields: FIELDS });
  for (let n = 0; n < 40; n++) await asRoot("POST", RECORDS, drawRecord(random));
  const { items } = (await asRoot("GET", `${RECORDS}?perPage=100`)) as { items: readonly RecordValues[] };
  const callers = await readCallers();
  const tally = { drawn: RULES_DRAWN, rules: 0, decidable: 0, decisions: 0, yes: 0, unsure: 0 };
  for (let n = 0; n < RULES_DRAWN; n++) {
    const rule = drawRule(random);
    const base = await collectionOf("decided");
    const decided = callers.map(({ collection }) => toDecidable(rule, base, collection));
    if (decided[0] === undefined && n % 4 !== 0) continue;
    // PocketBase refuses rules that name what is not there.
    const isTaken = (await asRoot("PATCH", "/api/collections/decided", { listRule: rule })) !== undefined;
    if (!isTaken) expect([rule, decided[0]]).toEqual([rule, undefined]);
    if (!isTaken) continue;
    tally.rules += 1;
    if (decided[0] !== undefined) tally.decidable += 1;
    for (const [index, { id, token }] of callers.entries()) {
      const own = decided[index];
      if (own === undefined) continue;
      const seen = await seenBy(token);
      for (const record of items) {
        const verdict = own.holds(record, id);
        if (verdict === undefined) tally.unsure += 1;
        else expect([rule, id, record, verdict]).toEqual([rule, id, record, seen.has(String(record["id"]))]);
        tally.decisions += 1;
        if (verdict === true) tally.yes += 1;
        // Whom a rule does not name hears what any stranger hears.
        if (!own.idsIn(record).includes(id)) expect(own.holds(record, undefined)).toEqual(verdict);
      }
    }
  }
  process.stdout.write(`decidable rules: ${JSON.stringify(tally)}\n`);
  expect(tally.decidable).toBeGreaterThan(80);
  expect(tally.decisions).toBeGreaterThan(10_000);
  expect(tally.yes).toBeGreaterThan(1_000);
  expect(tally.unsure).toBe(0);
});

const seenBy = async (token: string): Promise<ReadonlySet<string>> => {
  const page = (await createAsk(token)("GET", `${RECORDS}?perPage=100&fields=id`)) as {
    items: readonly { id: string }[];
  };
  return new Set(page.items.map(({ id }) => id));
};
