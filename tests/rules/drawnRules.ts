// Drawn rules and records for what Hapta decides by itself: mostly of the kinds that apps write, with odd values in them.
import { IDS } from "../support/fixture/records.ts";

type Random = () => number;

const pickBy =
  (random: Random) =>
  <T>(list: readonly T[]): T =>
    list[Math.floor(random() * list.length)] as T;

const relation = { type: "relation", collectionId: "pbc_members0001" };

/** Fields of every type. */
export const FIELDS = [
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
const OPERATORS = ["=", "!=", "?=", "?!=", ">", ">=", "<", "<=", "~", "!~", "?>"];

/** What the callers have beside what every account has. */
export const CALLER_FIELDS = [
  { name: "role", type: "select", maxSelect: 1, values: ["reader", "writer", "draft"] },
  { name: "note", type: "text" },
  { name: "isStaff", type: "bool" },
  { name: "level", type: "number" },
  { name: "chief", ...relation, maxSelect: 1 },
  { name: "badges", type: "select", maxSelect: 2, values: ["draft", "live"] },
];

const CALLER = [
  ...["id", "collectionId", "collectionName", "name", "verified", "email", "emailVisibility", "id:isset"],
  ...["role", "note", "isStaff", "level", "chief", "badges", "nosuch", "chief.name", "role:lower", "remark"],
];

const quoted = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;

type Pick = ReturnType<typeof pickBy>;

/** What rules are drawn over: names of fields, and comparisons that mean something. */
interface Ground {
  readonly names: readonly string[];
  readonly usual: readonly ((pick: Pick) => string)[];
}

const OF_CALLERS: Ground["usual"] = [
  (pick) => `@request.auth.role ${pick(["=", "!=", "?="])} ${quoted(pick(["reader", "writer", ""]))}`,
  (pick) => `@request.auth.${pick(["verified", "isStaff", "emailVisibility"])} = ${pick(["true", "false"])}`,
  (pick) => `@request.auth.level ${pick(OPERATORS.slice(0, 8))} ${pick(NUMBERS)}`,
];

/** Records with {@link FIELDS}. */
export const RECORDS: Ground = {
  names: NAMES,
  usual: [
    ...OF_CALLERS,
    (pick) => `${pick(["owner", "title", "id", "note"])} ${pick(["=", "!=", "?="])} @request.auth.id`,
    (pick) => `isOpen ${pick(["=", "!="])} ${pick(["true", "false"])}`,
    (pick) => `rank ${pick(OPERATORS.slice(0, 8))} ${pick(NUMBERS)}`,
    (pick) =>
      `${pick(["owner", "note", "title"])} = @request.auth.${pick(["chief", "note", "email", "role"])}`,
  ],
};

/** Accounts with {@link CALLER_FIELDS}. */
export const ACCOUNTS: Ground = {
  names: ["id", "email", "name", "role", "verified", "emailVisibility", "isStaff", "level"],
  usual: [
    ...OF_CALLERS,
    (pick) => `${pick(["id", "chief"])} ${pick(["=", "!="])} @request.auth.id`,
    (pick) => `${pick(["verified", "emailVisibility"])} = ${pick(["true", "false"])}`,
    (pick) => {
      const field = pick(["email", "role", "chief", "name"]);
      return `${field} = @request.auth.${field}`;
    },
  ],
};

/** A rule over such records, for callers with {@link CALLER_FIELDS}. */
export const drawRule = (random: Random, { names, usual }: Ground): string => {
  const pick = pickBy(random);
  const literal = (): string => {
    const kind = random();
    if (kind < 0.6) return quoted(pick(TEXTS));
    if (kind < 0.8) return String(pick(NUMBERS));
    return pick(["true", "false", "null", "TRUE", "Null", '""', "1.50", "007"]);
  };
  const caller = (): string => `@request.auth.${random() < 0.5 ? "id" : pick(CALLER)}`;
  const left = (): string => (random() < 0.75 ? pick(names) : caller());
  const right = (): string => pick([literal, literal, caller, left])();
  const comparison = (): string => {
    if (random() < 0.6) return pick(usual)(pick);
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

/** Values of {@link FIELDS}. */
export const drawRecord = (random: Random): Record<string, unknown> => {
  const pick = pickBy(random);
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

/** Values of {@link CALLER_FIELDS} and of what every account has. */
export const drawCaller = (random: Random): Record<string, unknown> => {
  const pick = pickBy(random);
  return {
    role: pick(["", "reader", "writer", "draft"]),
    note: pick(TEXTS),
    isStaff: random() < 0.5,
    level: pick(NUMBERS),
    chief: pick(["", IDS.ada, IDS.ben]),
    badges: pick([[], ["draft"], ["draft", "live"]]),
    verified: random() < 0.5,
    emailVisibility: random() < 0.5,
  };
};
