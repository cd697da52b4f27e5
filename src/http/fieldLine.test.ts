// What is a field line, and what only looks like one to a lenient reader.
import { expect, test } from "bun:test";
import { isLength, readFieldLine } from "./fieldLine.ts";

test.each([
  ["Host: a", "Host", "a"],
  ["x-empty:", "x-empty", ""],
  ["A:\t b c \t", "A", "b c"],
  ["a:b:c", "a", "b:c"],
  ["a: caf\xe9", "a", "caf\xe9"],
])("%j is a field", (line, name, value) => expect(readFieldLine(line)).toEqual({ name, value }));

test.each([
  ["no colon"],
  [": no name"],
  ["Host : a blank before the colon"],
  ["Host\t: a tab"],
  [" folded: line"],
  ["\tfolded: line"],
  ["a\x00b: c"],
  ["a: b\x00c"],
  ["a: b\rc"],
  ["a: b\nc"],
  ["a: b\x7f"],
  ["a(b): c"],
  ["caf\xe9: a"],
])("%j is none", (line) => expect(readFieldLine(line)).toBeUndefined());

test.each(["", "+1", "-1", " 1", "1 ", "1,1", "0x1", "1.0", "1e3", "1".repeat(16)])(
  "%j is no length",
  (text) => expect(isLength(text)).toBe(false),
);

test.each(["0", "00", "15", "1".repeat(15)])("%j is one", (text) => expect(isLength(text)).toBe(true));
