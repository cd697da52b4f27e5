import { expect, test } from "bun:test";
import { parseDotEnv } from "./dotEnv.ts";

test.each([
  ["A=1", "1"],
  ["export A=1", "1"],
  ["  A = 1  ", "1"],
  ["A=", ""],
  ["A=a b", "a b"],
  ["A=pass#word", "pass#word"],
  ["A=value # a comment", "value"],
  ["A=# a comment", ""],
  ["A=$HOME", "$HOME"],
  ["A=x=y", "x=y"],
  ['A="a # b"', "a # b"],
  ['A="a\\nb\\"c\\\\"', 'a\nb"c\\'],
  ['A="x" # why', "x"],
  ["A='a\\n$b'", "a\\n$b"],
  ["\uFEFFA=1", "1"],
  ["# A=0\r\n\r\nA=1\r\n", "1"],
  ["A=1\nA=2", "2"],
])("parseDotEnv reads %p", (text, value) => {
  const { values, problems } = parseDotEnv(text);
  expect(problems).toEqual([]);
  expect(values.get("A")).toBe(value);
});

test.each([
  ["\nsecretword", ".env line 2: not of the form NAME=value"],
  ["1A=secretword", ".env line 1: not of the form NAME=value"],
  ['A="secretword', ".env line 1: A has a quote that does not close"],
  ["A='secretword' x", ".env line 1: A has a quote that does not close"],
])("parseDotEnv refuses %p without showing it", (text, problem) => {
  expect(parseDotEnv(text).problems).toEqual([problem]);
});
