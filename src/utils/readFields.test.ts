import { expect, test } from "bun:test";
import { readFieldsOf } from "./readFields.ts";

test("finds its fields in any spelling, and no others", () => {
  expect(readFieldsOf(["ORIGIN", "https://a.example", "If-None-Match", '"x"', "accept", "*/*"])).toEqual({
    origin: "https://a.example",
    ifNoneMatch: '"x"',
    isForced: false,
  });
  expect(readFieldsOf([])).toEqual({ origin: undefined, ifNoneMatch: undefined, isForced: false });
});

test.each([
  [["Cache-Control", "no-cache"], true],
  [["cache-control", "max-age=0, No-Store"], true],
  [["Cache-Control", "max-age=0", "Cache-Control", "no-cache"], true],
  [["Cache-Control", "max-age=0"], false],
  [["Cache-Control", "x-no-cached"], false],
])("%j asks for an answer that was not kept: %p", (headers, isForced) => {
  expect(readFieldsOf(headers).isForced).toBe(isForced);
});

test("several of a kind are one value", () => {
  expect(readFieldsOf(["Origin", "a", "Origin", "b"]).origin).toBe("a,b");
});
