import { expect, test } from "bun:test";
import { didYouMean } from "./didYouMean.ts";

const known = ["--port", "--host", "--NodeId", "--check-config"];

test.each([
  ["--prot", "--port"],
  ["--nodeid", "--NodeId"],
  ["--chek-config", "--check-config"],
  ["--hots", "--host"],
])("didYouMean guesses for %s", (word, guess) => {
  expect(didYouMean(word, known)).toBe(guess);
});

test.each(["", "--bogus-flag", "x", "-".repeat(65)])("didYouMean has no guess for %p", (word) => {
  expect(didYouMean(word, known)).toBeUndefined();
});
