// Compares Hapta's verdict on whole query strings with PocketBase's answer, and counts.
import fc from "fast-check";
import { toCollection } from "../../src/pocketbase/collection.ts";
import { judgeQuery } from "../../src/rules/judgeQuery.ts";
import { readGoQuery } from "../../src/utils/goQuery.ts";
import type { PocketBase } from "../support/pocketbase.ts";
import { WireConnection } from "../support/wire.ts";
import { rawQuery } from "./rawQueries.ts";

/** What came out. */
export interface RawTally {
  /** Answered 200 by PocketBase; refused by it with 400; of those, by Hapta too. */
  readonly accepted: number;
  readonly refused: number;
  readonly refusedToo: number;
  /** Refused by Hapta where PocketBase answers something else: must be none. */
  readonly wrong: readonly string[];
}

const CONNECTIONS = 12;
/** PocketBase's whole answer to a query that it can't use; 0.40 leaves the newline out. */
const REFUSAL = '{"data":{},"message":"Something went wrong while processing your request.","status":400}';

/** Draws `runs` query strings for a list of notices, half of them a superuser's, and compares. */
export const judgeRawQueries = async (pb: PocketBase, runs: number, seed: number): Promise<RawTally> => {
  const superuser = ["Authorization", pb.world.tokens.superuser] as const;
  const response = await fetch(`${pb.url}/api/collections?perPage=1000`, { headers: [[...superuser]] });
  const { items } = (await response.json()) as { items: unknown[] };
  const collections = items.map(toCollection);
  const find = (key: string) =>
    collections.find(({ id, name }) => id === key || name.toLowerCase() === key.toLowerCase());
  const base = find("notices");
  if (base === undefined) throw new Error("The test app has no notices.");

  let [accepted, refused, refusedToo] = [0, 0, 0];
  const wrong: string[] = [];
  const compare = async (connection: WireConnection, query: string, index: number): Promise<void> => {
    const isPrivileged = index % 2 === 0;
    const fault = judgeQuery(readGoQuery(query), { find, base, isPrivileged });
    const answer = await connection.send({
      path: `/api/collections/notices/records?${query}`,
      // PocketBase slows repeated empty filtered lists of one address.
      headers: [
        ["X-Forwarded-For", `10.0.${(index >> 8) & 255}.${index & 255}`],
        ...(isPrivileged ? [superuser] : []),
      ],
    });
    if (answer.status === 200) accepted += 1;
    if (answer.status === 400) refused += 1;
    if (fault === undefined) return;
    if (answer.status === 400) refusedToo += 1;
    if (answer.text.trimEnd() !== REFUSAL)
      wrong.push(
        `${isPrivileged ? "superuser" : "guest"} ${query}: ${fault.parameter}, but ${answer.status}`,
      );
  };

  const queries = fc.sample(rawQuery, { numRuns: runs, seed }).entries();
  const worker = async (): Promise<void> => {
    using connection = new WireConnection(pb.url);
    for (const [index, query] of queries) await compare(connection, query, index);
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, worker));
  return { accepted, refused, refusedToo, wrong };
};
