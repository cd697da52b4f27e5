// Hapta's reading of filters and sorts against PocketBase's: nothing that PocketBase accepts may be refused, and
// what is written down again must find the same records.
import { expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { toCollection } from "../../src/pocketbase/collection.ts";
import { judgeQuery } from "../../src/rules/judgeQuery.ts";
import { parseExpand } from "../../src/rules/parseExpand.ts";
import { parseFields } from "../../src/rules/parseFields.ts";
import { readGoQuery } from "../../src/utils/goQuery.ts";
import { IDS } from "../support/fixture/records.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { judgeQueries, renderTally } from "./judgeQueries.ts";
import { judgeRawQueries } from "./judgeRawQueries.ts";

setDefaultTimeout(60_000);

test("rules refuse no filter or sort that PocketBase 0.39 accepts, and nearly all that it refuses", async () => {
  await using pb = await startPocketBase();
  const tally = await judgeQueries(pb, 3_000, Number(process.env["HAPTA_SEED"] ?? 20_261_122));
  process.stdout.write(`${renderTally(tally)}\n`);
  expect(tally.falseRefusals).toEqual([]);
  expect(tally.changed).toEqual([]);
  expect(tally.asked - tally.refused).toBeGreaterThan(500);
  expect(tally.bothToo / tally.refused).toBeGreaterThan(0.95);
});

test("rules refuse no query string, however it is written, that PocketBase 0.39 answers otherwise", async () => {
  await using pb = await startPocketBase();
  const tally = await judgeRawQueries(pb, 1_500, Number(process.env["HAPTA_SEED"] ?? 20_261_123));
  expect(tally.wrong).toEqual([]);
  expect(tally.accepted).toBeGreaterThan(300);
  expect(tally.refusedToo / tally.refused).toBeGreaterThan(0.9);
});

test("a query that can't be read may hold what PocketBase answers 403 to", async () => {
  await using pb = await startPocketBase();
  const query = "skipTotal=nope&filter=%ff@request.auth.id=1";
  const answer = await fetch(`${pb.url}/api/collections/notices/records?${query}`);
  expect(answer.status).toBe(403);
  const [notices] = [{ name: "notices", type: "base", id: "pbc_notices0001", fields: [] }].map(toCollection);
  if (notices === undefined) throw new Error("no collection");
  const context = { find: () => undefined, base: notices };
  expect(judgeQuery(readGoQuery(query), { ...context, isPrivileged: false })).toBeUndefined();
  expect(judgeQuery(readGoQuery(query), { ...context, isPrivileged: true })).toEqual({
    parameter: "skipTotal",
  });
});

const view = async (pb: PocketBase, query: string): Promise<string> => {
  const headers = { Authorization: pb.world.tokens.superuser };
  const url = `${pb.url}/api/collections/articles/records/${IDS.news}?${query}`;
  return (await fetch(url, { headers })).text();
};

const pieces = (...texts: readonly string[]): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...texts), { minLength: 1, maxLength: 9 }).map((parts) => parts.join(""));

test("parseExpand keeps what PocketBase expands", async () => {
  await using pb = await startPocketBase();
  const names = [
    "author",
    "related",
    "comments_via_article",
    "articles_via_related",
    "nope",
    "author.nope",
    "title",
  ];
  const texts = fc.sample(pieces(...names, ",", ",", ".", ".", " ", "author", "comments_via_article"), {
    numRuns: 250,
    seed: 5,
  });
  for (const text of texts) {
    const kept = parseExpand(text)?.map((path) => path.join(".")) ?? ["?"];
    const expected = await view(pb, `expand=${encodeURIComponent(text)}`);
    expect([text, await view(pb, `expand=${encodeURIComponent(kept.join(","))}`)]).toEqual([text, expected]);
  }
});

test("parseFields fails only where PocketBase can't pick and answers nothing", async () => {
  await using pb = await startPocketBase();
  const texts = fc.sample(
    pieces(
      "id",
      "title",
      "*",
      "expand",
      ":excerpt(5)",
      "(",
      ")",
      "'",
      '"',
      "`",
      ",",
      " ",
      "\\",
      ".",

      "\n",
    ),
    { numRuns: 300, seed: 6 },
  );
  for (const text of texts) {
    const isEmpty = (await view(pb, `fields=${encodeURIComponent(text)}`)) === "";
    const parsed = parseFields(text);
    const hasModifier = parsed.ok && parsed.value.some(({ modifier }) => modifier !== undefined);
    // What a modifier may be is not parseFields' business.
    if (!hasModifier) expect([text, !parsed.ok]).toEqual([text, isEmpty]);
  }
});
