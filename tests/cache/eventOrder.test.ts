// Events of one record that come in another order than its changes happened: what the feed has not told yet is not among
// what Hapta knows of a record, and a later change may be of just that.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(240_000);

const listOf = (kind: string): string => `articles/records?filter=(kind='${kind}')&sort=id&perPage=1`;
const [NEWS, NOTES] = [listOf("news"), listOf("note")];

const [ONE, OTHER, HELPER] = ["swapped00000001", "swapped00000002", "swapped00000003"];

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
  for (const id of [ONE, OTHER, HELPER])
    await kit.write("POST collections/articles/records", { id, title: "An essay", kind: "essay" });
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const change = (id: string, body: object) => kit.write(`PATCH collections/articles/records/${id}`, body);
const totalOf = (text: string): number => (JSON.parse(text) as { totalItems: number }).totalItems;

/** Until changes are heard in time, and leave lists alone that they do not touch. */
const untilPrecise = (id: string): Promise<unknown> =>
  eventually(async () => {
    await kit.warm(NOTES);
    await change(id, { title: `Essay ${performance.now()}` });
    return (await kit.read(NOTES)).cache === "hit";
  }, 20_000);

/** An event counts as late by five seconds at most: a busy machine that takes longer here shows nothing. */
const LATE_MS = 4_500;
const TRIES_MAX = 10;

/** Makes an essay a piece of news, of which the feed tells last, and an essay again. */
const swap = async (id: string, makeNews: (title: string) => Promise<unknown>): Promise<void> => {
  for (let tries = 1; ; tries++) {
    await untilPrecise(id);
    const title = `News ${id} ${tries}`;
    const release = kit.relay.delay(title);
    try {
      const startedMs = performance.now();
      await makeNews(title);
      await untilPrecise(HELPER);
      const before = totalOf((await kit.warm(NEWS)).text);
      await change(id, { kind: "essay", title: "An essay again" });
      const after = totalOf((await kit.read(NEWS)).text);
      if (performance.now() - startedMs < LATE_MS || tries === TRIES_MAX)
        return expect(after).toBe(before - 1);
    } finally {
      release();
    }
  }
};

describe("law 3: a list loses a record to a change that is told before the one that brought it there", () => {
  test("by a change of it", () => swap(ONE, (title) => change(ONE, { kind: "news", title })));

  test("by a batch", () => {
    const url = `/api/collections/articles/records/${OTHER}`;
    const batch = (title: string) => ({
      requests: [{ method: "PATCH", url, body: { kind: "news", title } }],
    });
    return swap(OTHER, (title) => kit.write("POST batch", batch(title)));
  });
});
