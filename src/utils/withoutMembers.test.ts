// Members taken out of JSON texts, and texts that are none.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { withoutMembers } from "./withoutMembers.ts";

test("withoutMembers leaves exactly the other members, as they were written", () => {
  const names = fc.constantFrom("secret", "id", "title", "a,b", "record", "x");
  const record = fc.dictionary(names, fc.jsonValue(), { maxKeys: 6 });
  fc.assert(
    fc.property(record, fc.jsonValue(), (before, other) => {
      const text = JSON.stringify({ other, record: before, action: "update" });
      const { secret: _, x: __, ...rest } = before;
      const expected = JSON.stringify({ other, record: rest, action: "update" });
      expect(withoutMembers(text, "record", new Set(["secret", "x"]))).toBe(expected);
    }),
    { numRuns: 500 },
  );
});

test("withoutMembers keeps escapes and numbers as they are", () => {
  const text =
    '{"record":{"a":"\\u003c\\"}","n":1.0e+21,"secret":["}",{"a":"]"}],"b":"\\\\"},"action":"create"}';
  const expected = '{"record":{"a":"\\u003c\\"}","n":1.0e+21,"b":"\\\\"},"action":"create"}';
  expect(withoutMembers(text, "record", new Set(["secret"]))).toBe(expected);
});

test.each([
  "",
  "[]",
  "{}",
  '{"record":1}',
  '{"record":{"a":1',
  '{"record":{"a"1}}',
  '{"record": {"a":1}}',
  '{"record":{"a":"}}',
  '{"record":{"a":1]}',
])("withoutMembers gives nothing for %p", (text) => {
  expect(withoutMembers(text, "record", new Set(["a"]))).toBeUndefined();
});
