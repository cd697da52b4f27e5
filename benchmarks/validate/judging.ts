// What judging costs in this process, without HTTP: a new record, a change, a login, a query.
import { readRecordBody } from "../../src/bodies/recordBody.ts";
import { toCollection } from "../../src/pocketbase/collection.ts";
import { judgeQuery } from "../../src/rules/judgeQuery.ts";
import { judgeAuthBody } from "../../src/schema/authBody.ts";
import { validateBody } from "../../src/schema/validateBody.ts";
import { readGoQuery } from "../../src/utils/goQuery.ts";
import { EVERYTHING, PEOPLE } from "../../tests/schema/everything.ts";

const TIMES = 20_000;

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
const CHANGE = Buffer.from(JSON.stringify({ text: "Another title of a post", number: 13, bool: false }));
const QUERY = `page=2&perPage=30&sort=-number,text&filter=${encodeURIComponent("text ~ 'abc' && (number > 5 || bool = true)")}`;
const LOGIN = new Map([
  ["identity", "ada@example.com"],
  ["password", "correct horse"],
]);

const LOGIN_CALL = {
  operation: "auth-with-password",
  memberOf: (name: string) => LOGIN.get(name),
  callerCollectionId: undefined,
  wording: "0.39",
} as const;

/** CPU of one judgement in microseconds, by round. */
export interface JudgingRun {
  readonly what: string;
  readonly us: readonly number[];
}

/** Microseconds of CPU that this process used since. */
export const cpuUsOf = (before: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(before);
  return user + system;
};

const fine = (verdict: unknown): void => {
  if (verdict !== undefined) throw new Error("what is fine was refused");
};

/** Measures each in turn, `rounds` times, after a round that does not count. */
export const measureJudging = (rounds: number): readonly JudgingRun[] => {
  const base = toCollection(EVERYTHING);
  const people = toCollection({ ...PEOPLE, passwordAuth: { enabled: true, identityFields: ["email"] } });
  const context = { base, find: () => base, isPrivileged: false };
  const create = (): void => {
    const read = readRecordBody(BODY);
    if (read === undefined) throw new Error("the body was not read");
    fine(validateBody(base, read.members, CONTEXT));
  };
  const change = (): void => {
    const read = readRecordBody(CHANGE);
    if (read === undefined) throw new Error("the body was not read");
    fine(validateBody(base, read.members, { ...CONTEXT, action: "update", recordId: "abcdefghij12345" }));
  };
  const tasks: Readonly<Record<string, () => void>> = {
    [`a new record of ${BODY.length} bytes, read strictly and judged`]: create,
    [`a change of ${CHANGE.length} bytes, read strictly and judged`]: change,
    "a login": () => fine(judgeAuthBody(people, LOGIN_CALL)),
    "a query with filter and sort, seen for the first time": () =>
      fine(judgeQuery(readGoQuery(QUERY), context)),
  };
  const runs = Object.entries(tasks).map(([what, run]) => ({ what, run, us: [] as number[] }));
  for (let round = 0; round <= rounds; round++)
    for (const { run, us } of round % 2 === 0 ? runs : runs.toReversed()) {
      const before = process.cpuUsage();
      for (let at = 0; at < TIMES; at++) run();
      if (round > 0) us.push(cpuUsOf(before) / TIMES);
    }
  return runs.map(({ what, us }) => ({ what, us }));
};
