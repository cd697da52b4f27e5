// What judging costs: a typical new record, a filter, and the schemas of 200 collections. In one process, without HTTP.
import { readRecordBody } from "../../src/bodies/recordBody.ts";
import { type Collection, toCollection } from "../../src/pocketbase/collection.ts";
import { judgeQuery } from "../../src/rules/judgeQuery.ts";
import { validateBody } from "../../src/schema/validateBody.ts";
import { readGoQuery } from "../../src/utils/goQuery.ts";
import { EVERYTHING } from "../../tests/schema/everything.ts";
import type { BenchOptions } from "../support/options.ts";
import { median } from "../support/stats.ts";

const RUNS = 20_000;
const COLLECTIONS = 200;

const CONTEXT = { action: "create", isSuperuser: false, wording: "0.39" } as const;
const BODY = Buffer.from(
  JSON.stringify({
    text: "A typical title of a post",
    textRange: "abcd",
    number: 12,
    bool: true,
    email: "ada@example.com",
    url: "https://example.com/a",
    date: "2024-05-06 07:08:09.123Z",
    selectMany: ["red", "green"],
    json: { a: 1, b: [1, 2, 3] },
  }),
);
const QUERY = `page=2&perPage=30&sort=-number,text&filter=${encodeURIComponent("text ~ 'abc' && (number > 5 || bool = true)")}`;

const cpuUs = (run: () => void, times: number): number => {
  const before = process.cpuUsage();
  for (let at = 0; at < times; at++) run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
};

const toCollections = (): Collection[] =>
  Array.from({ length: COLLECTIONS }, (_, at) =>
    toCollection({ ...EVERYTHING, id: `pbc_${at}`, name: `everything${at}` }),
  );

const judgeAll = (collections: readonly Collection[]): void => {
  for (const collection of collections) validateBody(collection, {}, CONTEXT);
};

const say = (what: string, values: readonly number[], goal: string): void => {
  const range = `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`;
  process.stdout.write(`${what}: median ${median(values).toFixed(1)} (${range})${goal}\n`);
};

/** Measures and prints; keeps nothing. */
export const benchValidate = async ({ rounds }: BenchOptions): Promise<void> => {
  const [base] = toCollections();
  if (base === undefined) throw new Error("no collection");
  const create = (): void => {
    const read = readRecordBody(BODY);
    if (read === undefined || validateBody(base, read.members, CONTEXT) !== undefined)
      throw new Error("the body was refused");
  };
  const context = { base, find: () => base, isPrivileged: false };
  const query = (): void => {
    if (judgeQuery(readGoQuery(QUERY), context) !== undefined) throw new Error("the query was refused");
  };
  const rebuild = (): void => judgeAll(toCollections());
  for (const one of [create, query]) cpuUs(one, RUNS);
  const of = (run: () => void, times: number, unit = 1): number[] =>
    Array.from({ length: rounds }, () => cpuUs(run, times) / unit);
  say(`a typical create of ${BODY.length} bytes, us of CPU`, of(create, RUNS), "; goal 30");
  say("a query with filter and sort, seen for the first time, us of CPU", of(query, RUNS), "");
  say(
    `schemas of ${COLLECTIONS} collections of ${base.fields.length} fields, ms of CPU`,
    of(rebuild, 1, 1_000),
    "; goal 200",
  );
};
