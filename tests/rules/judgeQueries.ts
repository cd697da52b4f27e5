// Compares the verdicts of `rules` with PocketBase's on generated filters and sorts, and counts.
import fc from "fast-check";
import { type Collection, toCollection } from "../../src/pocketbase/collection.ts";
import type { FilterProblem } from "../../src/rules/filterError.ts";
import { parseFilter } from "../../src/rules/parseFilter.ts";
import { parseSort } from "../../src/rules/parseSort.ts";
import { checkFilter, checkSort, type PathContext } from "../../src/rules/paths.ts";
import { printFilter } from "../../src/rules/printFilter.ts";
import { readsOf } from "../../src/rules/reads.ts";
import type { PocketBase } from "../support/pocketbase.ts";
import { type Answered, answersOf, type Question } from "./askPocketBase.ts";
import { damaged, filterOf, gibberish, NAMES, sortOf, structuredFilter } from "./filterTexts.ts";

/** What came out. */
export interface Tally {
  readonly asked: number;
  /** Answered 400 by PocketBase. */
  readonly refused: number;
  /** Of those, refused for sure by the parser alone, and by parser and schema together. */
  readonly parserToo: number;
  readonly bothToo: number;
  /** Accepted by PocketBase, refused for sure by Hapta: must be none. */
  readonly falseRefusals: readonly string[];
  /** Refused by PocketBase, accepted by Hapta. */
  readonly missed: readonly string[];
  /** Accepted filters whose printed form finds other records than they do: must be none. */
  readonly changed: readonly string[];
}

/** Draws `runs` questions and compares. */
export const judgeQueries = async (pb: PocketBase, runs: number, seed: number): Promise<Tally> => {
  const collections = await readCollections(pb);
  const questions = fc.sample(questionOf(), { numRuns: runs, seed });
  const answers = await answersOf(pb, questions);
  let [refused, parserToo, bothToo] = [0, 0, 0];
  const falseRefusals: string[] = [];
  const missed: string[] = [];
  for (const [index, question] of questions.entries()) {
    const status = answers[index]?.status;
    if (status !== 200 && status !== 400 && status !== 403)
      throw new Error(`status ${status}: ${show(question)}`);
    // What guests may not ask for is another check, which comes before this one.
    if (status === 403) continue;
    const { alone, together } = verdictOf(question, collections);
    if (status === 200 && together !== undefined)
      falseRefusals.push(`${show(question)}: ${together.message}`);
    if (status !== 400) continue;
    refused++;
    if (alone !== undefined) parserToo++;
    if (together !== undefined) bothToo++;
    else missed.push(show(question));
  }
  const changed = await judgePrinting(pb, questions, answers);
  return { asked: runs, refused, parserToo, bothToo, falseRefusals, missed, changed };
};

// What the parser understood must mean the same to PocketBase when it is written down again.
const judgePrinting = async (
  pb: PocketBase,
  questions: readonly Question[],
  answers: readonly Answered[],
): Promise<string[]> => {
  const printed = questions.flatMap((question, index) => {
    if (question.parameter !== "filter" || answers[index]?.status !== 200) return [];
    const parsed = parseFilter(question.text);
    if (!parsed.ok || readsOf(parsed.value).clock.size > 0) return [];
    return [{ question: { ...question, text: printFilter(parsed.value) }, before: answers[index]?.ids }];
  });
  const after = await answersOf(
    pb,
    printed.map(({ question }) => question),
  );
  return printed.flatMap(({ question, before }, index) =>
    after[index]?.ids === before ? [] : [`${show(question)} -> ${after[index]?.status}`],
  );
};

const questionOf = (): fc.Arbitrary<Question> =>
  fc.oneof({ weight: 5, arbitrary: anyQuestion() }, { weight: 1, arbitrary: structuredQuestion });

const structuredQuestion: fc.Arbitrary<Question> = structuredFilter
  .filter((text) => text.length < 3_000)
  .map((text) => ({ collection: "notices", parameter: "filter", text, isSuperuser: true }));

const anyQuestion = (): fc.Arbitrary<Question> =>
  fc.constantFrom(...Object.keys(NAMES)).chain((collection) => {
    const names = NAMES[collection] ?? [];
    const filters = filterOf(names);
    const text = fc.oneof(
      { weight: 5, arbitrary: filters },
      { weight: 5, arbitrary: damaged(filters) },
      { weight: 1, arbitrary: gibberish },
    );
    const filter = text.map((one) => ({ parameter: "filter" as const, text: one }));
    const sort = sortOf(names).map((one) => ({ parameter: "sort" as const, text: one }));
    return fc
      .tuple(fc.oneof({ weight: 4, arbitrary: filter }, { weight: 1, arbitrary: sort }), fc.boolean())
      .filter(([{ text: one }]) => one !== "" && Buffer.byteLength(one) < 3_000)
      .map(([one, isSuperuser]) => ({ collection, isSuperuser, ...one }));
  });

interface Verdict {
  readonly alone: FilterProblem | undefined;
  readonly together: FilterProblem | undefined;
}

const verdictOf = (question: Question, collections: readonly Collection[]): Verdict => {
  const context = contextOf(question, collections);
  const isFilter = question.parameter === "filter";
  const parsed = isFilter ? parseFilter(question.text) : parseSort(question.text);
  const alone = parsed.ok ? undefined : certain(parsed.problem);
  if (!parsed.ok || context === undefined) return { alone, together: alone };
  const value = parsed.value;
  const together = "kind" in value ? checkFilter(value, context) : checkSort(value, context);
  return { alone, together: certain(together) };
};

const certain = (problem: FilterProblem | undefined): FilterProblem | undefined =>
  problem?.isCertain === true ? problem : undefined;

const contextOf = (question: Question, collections: readonly Collection[]): PathContext | undefined => {
  const find = (key: string): Collection | undefined =>
    collections.find(({ id, name }) => id === key || name.toLowerCase() === key.toLowerCase());
  const base = find(question.collection);
  return base === undefined ? undefined : { find, base, isPrivileged: question.isSuperuser };
};

const readCollections = async (pb: PocketBase): Promise<Collection[]> => {
  const headers = { Authorization: pb.world.tokens.superuser };
  const response = await fetch(`${pb.url}/api/collections?perPage=1000`, { headers });
  const { items } = (await response.json()) as { items: unknown[] };
  return items.map(toCollection);
};

const show = ({ collection, parameter, text, isSuperuser }: Question): string =>
  `${isSuperuser ? "superuser" : "guest"} ${collection} ${parameter}=${JSON.stringify(text)}`;

/** One line with the counts. */
export const renderTally = ({ asked, refused, parserToo, bothToo }: Tally): string => {
  const share = (count: number): string => `${((100 * count) / refused).toFixed(1)} %`;
  return `${asked} queries, PocketBase refuses ${refused}; Hapta too: the parser alone ${share(parserToo)}, with the schema ${share(bothToo)}`;
};
