// Totals without a server: what is read from a page and written into one, how long a number counts, and who waits for it.
import { expect, test } from "bun:test";
import { isStreamed } from "../http/answer.ts";
import { askPage } from "./askPage.ts";
import { totalOf, withTotal } from "./pageTotal.ts";
import { Totals } from "./totals.ts";
import { Versions } from "./versions.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (body: unknown): string => (body instanceof Uint8Array ? new TextDecoder().decode(body) : "");
const page = (totals: string, items = '{"id":"a"}', end = "\n"): string =>
  `{"items":[${items}],"page":2,"perPage":3,${totals}}${end}`;
const KNOWN = '"totalItems":7,"totalPages":3';
const SKIPPED = '"totalItems":-1,"totalPages":-1';
const LIMITS = { bytesMax: 10_000, timeoutMs: 1_000 };

test.each(["", "\n"])("a page gets its total byte for byte (end %j)", (end) => {
  const whole = bytes(page(KNOWN, "", end));
  expect(totalOf(whole)).toBe(7);
  expect(text(withTotal(bytes(page(SKIPPED, "", end)), 7))).toBe(text(whole));
  expect(text(withTotal(bytes(page(SKIPPED)), 0))).toBe(page('"totalItems":0,"totalPages":0'));
});

test.each([
  ["another order of members", `{"page":2,"perPage":3,"items":[],${KNOWN}}`],
  ["no list", KNOWN],
  ["an error", '{"data":{},"message":"x","status":400}'],
  ["a tail inside of a record's text", '{"items":[{"a":",\\"page\\":1,\\"perPage\\":1"}]}'],
  ["a record that looks like a list's end", page(KNOWN).replace('{"items":[', "[{")],
])("%s says no total and gets none", (_, body) => {
  expect(totalOf(bytes(body))).toBeUndefined();
  expect(withTotal(bytes(body), 7)).toBeUndefined();
});

test("a page that was counted is left alone", () => {
  expect(withTotal(bytes(page(KNOWN)), 9)).toBeUndefined();
});

/** Versions, totals, and a PocketBase that says how it was asked. */
const setUp = () => {
  const versions = new Versions();
  const totals = new Totals(10_000);
  const asked: string[] = [];
  const ask = async (skipsTotal: boolean, during: () => void = () => undefined) => {
    asked.push(skipsTotal ? "short" : "whole");
    during();
    const body = bytes(page(skipsTotal ? SKIPPED : KNOWN));
    return { status: 200, headers: ["Content-Length", String(body.length)], body };
  };
  const read = async (during?: () => void, isForced = false) => {
    const lease = versions.lease(["a"]);
    if (lease === undefined) throw new Error("no lease");
    const order = { totals, totalKey: "list", lease, isForced, limits: LIMITS };
    const answer = await askPage({ ...order, ask: (skipsTotal) => ask(skipsTotal, during) });
    if (isStreamed(answer.body)) throw new Error("streamed");
    return text(answer.body);
  };
  return { versions, totals, asked, read };
};

test("what was counted once is not counted again while nothing moves", async () => {
  const { asked, read, versions } = setUp();
  expect([await read(), await read()]).toEqual([page(KNOWN), page(KNOWN)]);
  versions.move(["a"], "x");
  await read();
  await read(undefined, true);
  expect(asked).toEqual(["whole", "short", "whole", "whole"]);
});

test("law 3: a page and a total that something moved between are not put together", async () => {
  const { asked, read, versions } = setUp();
  await read();
  expect(await read(() => versions.move(["a"], "x"))).toBe(page(KNOWN));
  expect(asked).toEqual(["whole", "short", "whole"]);
});

test("pages that miss together are counted once", async () => {
  const { asked, read } = setUp();
  expect(await Promise.all([read(), read(), read()])).toEqual([page(KNOWN), page(KNOWN), page(KNOWN)]);
  expect(asked.toSorted()).toEqual(["short", "short", "whole"]);
});

test("who waits for a counting that fails asks for a whole page", async () => {
  const { totals, asked, read, versions } = setUp();
  const lease = versions.lease(["a"]);
  if (lease === undefined) throw new Error("no lease");
  const end = totals.begin("list", lease);
  const waiting = read();
  end(undefined);
  expect(await waiting).toBe(page(KNOWN));
  expect(asked).toEqual(["short", "whole"]);
});

test("totals stay within their bound", () => {
  const { totals, versions } = setUp();
  const lease = versions.lease(["a"]);
  if (lease === undefined) throw new Error("no lease");
  for (let i = 0; i < 1_000; i++) totals.begin(`list ${i}`, lease)(i);
  expect(totals.bytes).toBeLessThanOrEqual(10_000);
  expect(totals.find("list 0")).toBeUndefined();
  expect(totals.find("list 999")?.total).toBe(999);
  totals.clear();
  expect(totals.bytes).toBe(0);
});
