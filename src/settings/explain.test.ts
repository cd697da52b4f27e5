import { expect, test } from "bun:test";
import fc from "fast-check";
import { explainIssues } from "./explain.ts";
import { KEYS } from "./reference.ts";
import { configSchema } from "./schema.ts";

const groups = [...new Set(KEYS.map((row) => row.key.split(".")[0] ?? ""))];
const names = KEYS.map((row) => row.key.split(".")[1] ?? "");

/** Configs that are wrong in many ways, most of them with real group and key names. */
const config = fc.dictionary(
  fc.oneof(fc.constantFrom(...groups), fc.string()),
  fc.oneof(fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), fc.jsonValue()), fc.jsonValue()),
);

test("explainIssues says every issue of any config in one line and never throws", () => {
  let refused = 0;
  const property = fc.property(config, (raw) => {
    const parsed = configSchema.safeParse(raw);
    if (parsed.success) return;
    refused += 1;
    const sentences = explainIssues(parsed.error.issues, raw, () => ({ kind: "file", path: "config.ts" }));
    expect(sentences.length).toBeGreaterThanOrEqual(parsed.error.issues.length);
    for (const sentence of sentences) expect(sentence).toMatch(/(unknown key|found )/);
  });
  fc.assert(property, { seed: 1, numRuns: 500 });
  expect(refused).toBeGreaterThan(100);
});
