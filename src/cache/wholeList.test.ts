// When an answer shows every record that its list has, and when it only may.
import { expect, test } from "bun:test";
import { wholeListOf } from "./wholeList.ts";

const bodyOf = (
  count: number,
  {
    page = 1,
    perPage = 30,
    totalItems = count,
  }: { page?: number; perPage?: number; totalItems?: number } = {},
): Uint8Array => {
  const items = Array.from({ length: count }, (_, i) => ({ id: `r${i}`, text: '],"page":1' }));
  return Buffer.from(
    JSON.stringify({ items, page, perPage, totalItems, totalPages: Math.ceil(totalItems / perPage) }),
  );
};

test.each([
  ["an empty list", bodyOf(0), []],
  ["a list of one page", bodyOf(3), ["r0", "r1", "r2"]],
  ["a list that just fits", bodyOf(2, { perPage: 2 }), ["r0", "r1"]],
  ["a page without a total that is not full", bodyOf(2, { totalItems: -1 }), ["r0", "r1"]],
] as const)("%s shows all", (_, body, ids) => {
  expect(wholeListOf(body)).toEqual([...ids]);
});

test.each([
  ["a list of more than one page", bodyOf(2, { perPage: 2, totalItems: 3 })],
  ["another page", bodyOf(1, { page: 2, perPage: 2, totalItems: 1 })],
  ["a full page without a total", bodyOf(2, { perPage: 2, totalItems: -1 })],
  ["a page that does not show as many as were counted", bodyOf(2, { totalItems: 3 })],
  ["a long list", bodyOf(33, { perPage: 50 })],
  ["a list of records without ids", Buffer.from(bodyOf(2).toString().replaceAll('"id"', '"no"'))],
  [
    "another order of members",
    Buffer.from('{"page":1,"perPage":30,"totalItems":0,"totalPages":0,"items":[]}'),
  ],
  [
    "an answer of the app's own code",
    Buffer.from('{"items":[,"page":1,"perPage":30,"totalItems":0,"totalPages":0}'),
  ],
  ["one record", Buffer.from('{"id":"r1"}')],
])("%s may have others", (_, body) => {
  expect(wholeListOf(body)).toBeUndefined();
});
