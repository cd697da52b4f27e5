// What validateBody says, by example, and that no body of any kind makes it throw or take long.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { EVERYTHING, PEOPLE, REQUIRED } from "../../tests/schema/everything.ts";
import { type Collection, toCollection } from "../pocketbase/collection.ts";
import { Upload } from "./coerce.ts";
import { toFormBody } from "./formBody.ts";
import { validateBody } from "./validateBody.ts";

const everything = toCollection(EVERYTHING);
const people = toCollection({
  ...PEOPLE,
  fields: [...(PEOPLE["fields"] as unknown[]), { name: "email", type: "email", required: true }],
});
const create = { action: "create", isSuperuser: false, wording: "0.39" } as const;
const update = { action: "update", isSuperuser: false, wording: "0.39" } as const;
const codes = (
  collection: Collection,
  body: Record<string, unknown>,
  context: typeof create | typeof update = create,
) => {
  const errors = validateBody(collection, body, context);
  return errors === undefined
    ? undefined
    : Object.fromEntries(Object.entries(errors).map(([key, { code }]) => [key, code]));
};

describe("validateBody", () => {
  test("gives PocketBase's code, sentence and parameters, fields in order", () => {
    const body = { textRange: "x", select: "pink!", dateRange: "2020-02-03", numberRange: -3 };
    expect(JSON.stringify(validateBody(everything, body, create))).toBe(
      JSON.stringify({
        dateRange: {
          code: "validation_min_greater_equal_than_required",
          message: "Must be no less than 2024-01-01 00:00:00 +0000 UTC.",
          params: { threshold: "2024-01-01T00:00:00Z" },
        },
        numberRange: { code: "validation_min_number_constraint", message: "Must be larger than -2.500000." },
        select: {
          code: "validation_invalid_value",
          message: "Invalid value pink!",
          params: { value: "pink!" },
        },
        textRange: {
          code: "validation_min_text_constraint",
          message: "Must be at least 2 character(s).",
          params: { min: 2 },
        },
      }),
    );
  });

  test("trims what it repeats as PocketBase does, by Go's idea of a blank", () => {
    const messageOf = (select: string) => validateBody(everything, { select }, create)?.["select"]?.message;
    expect(messageOf("x\ufeff")).toBe("Invalid value x\ufeff.");
    expect(messageOf("x\u0085\u2028 ")).toBe("Invalid value x.");
    expect(messageOf(" ")).toBe("Invalid value.");
  });

  test("is not sure of a JSON text with a member twice, which is an error since 0.40", () => {
    expect(codes(everything, { textRange: "x", json: '{"a":1,"b":2}' })).toHaveProperty("textRange");
    for (const json of ['{"a":1,"a":2}', '[{"a":1,"\\u0061":2}]'])
      expect(codes(everything, { textRange: "x", json })).toBeUndefined();
  });

  test("speaks of a number's limits as the PocketBase that would answer, or not at all", () => {
    const messageIn = (wording: "0.40" | "unknown") =>
      validateBody(everything, { numberRange: -3 }, { ...create, wording })?.["numberRange"];
    expect(messageIn("0.40")).toEqual({
      code: "validation_min_number_constraint",
      message: "Must be greater or equal than -2.5.",
      params: { min: -2.5 },
    });
    expect(messageIn("unknown")).toBeUndefined();
  });

  test("lets pass what only PocketBase knows, and everything beside it", () => {
    expect(validateBody(everything, { textRange: "x", relation: "someid123456789" }, create)).toBeUndefined();
    expect(validateBody(everything, { textRange: "x", textGoPattern: "\u017f" }, create)).toBeUndefined();
    expect(validateBody({ ...everything, type: "view" }, { textRange: "x" }, create)).toBeUndefined();
    expect(validateBody(people, { email: "new@b.co" }, update)).toBeUndefined();
  });

  test("judges of an update only what it names", () => {
    const required = toCollection(REQUIRED);
    expect(Object.keys(codes(required, {}) ?? {})).toHaveLength(12);
    expect(codes(required, {}, update)).toBeUndefined();
    expect(codes(required, { text: "" }, update)).toEqual({ text: "validation_required" });
    expect(codes(everything, { "numberRange+": 5_000 }, update)).toBeUndefined();
    expect(codes(everything, { numberRange: 1, "numberRange+": 5_000 }, update)).toBeDefined();
  });

  test("leaves hidden fields out for everybody but superusers", () => {
    expect(codes(everything, { textHidden: "long" })).toBeUndefined();
    expect(validateBody(everything, { textHidden: "long" }, { ...create, isSuperuser: true })).toBeDefined();
  });

  test("gives a login's own errors alone", () => {
    expect(codes(people, { email: "bad", password: "x" })).toEqual({
      passwordConfirm: "validation_required",
    });
    const login = { password: "12345678", passwordConfirm: "12345678" };
    expect(codes(people, { ...login, email: "bad", verified: true })).toEqual({
      verified: "validation_values_mismatch",
    });
    expect(codes(people, { ...login, email: "bad" })).toEqual({
      email: "validation_is_email",
      nick: "validation_required",
    });
  });

  test("judges forms as PocketBase reads them", () => {
    const body = toFormBody([
      { name: "number", value: "1.5" },
      { name: "text", value: "007" },
      { name: "selectMany", value: "red" },
      { name: "selectMany", value: "blue" },
      { name: "@jsonPayload", value: '{"bool":"true","number":2}' },
      { name: "file", value: new Upload(10) },
    ]);
    expect(body).toEqual({
      number: 2,
      text: "007",
      selectMany: ["red", "blue"],
      bool: "true",
      file: new Upload(10),
    });
    expect(codes(everything, body ?? {})).toBeUndefined();
    const files = [1, 2, 3].map((n) => new Upload(n));
    expect(codes(everything, { fileMany: files })).toEqual({ fileMany: "validation_too_many_files" });
    expect(codes(everything, { fileMany: new Upload(31) })).toBeUndefined();
    expect(toFormBody([{ name: "@jsonPayload", value: "[1]" }])).toBeUndefined();
  });

  test("no body makes it throw", () => {
    const values = fc.oneof(fc.anything({ withBigInt: false }), fc.jsonValue());
    const names = fc.constantFrom(
      ...everything.fields.map(({ name }) => name),
      "__proto__",
      "constructor",
      "x+",
      "+",
      "",
    );
    const check = (body: Record<string, unknown>): void => {
      for (const action of ["create", "update"] as const)
        for (const collection of [everything, people])
          validateBody(collection, body, { action, isSuperuser: true, wording: "0.39" });
    };
    fc.assert(fc.property(fc.dictionary(names, values, { maxKeys: 6 }), check), { numRuns: 2_000, seed: 3 });
  });

  // Each at the length of a megabyte, for checks that could look twice at the same character.
  const costly: Readonly<Record<string, (n: number) => unknown>> = {
    blanks: (n) => " ".repeat(n),
    dots: (n) => `a@${"a.".repeat(n / 2)}`,
    hyphens: (n) => `http://${"a-".repeat(n / 2)}`,
    digits: (n) => "1".repeat(n),
    brackets: (n) => "[".repeat(n),
    slug: (n) => `${"a-".repeat(n / 2)}!`,
    list: (n) => Array.from({ length: n / 8 }, (_, i) => `v${i}`),
    members: (n) => Object.fromEntries(Array.from({ length: n / 16 }, (_, i) => [`m${i}`, i])),
  };
  for (const [name, make] of Object.entries(costly))
    test(`a megabyte of ${name} in every field costs little`, () => {
      const value = make(1_000_000);
      for (const { name: field } of everything.fields) {
        const startedMs = performance.now();
        validateBody(everything, { [field]: value }, create);
        // A hundred times what it takes, so that only another order of growth fails.
        expect([field, performance.now() - startedMs < 2_000]).toEqual([field, true]);
      }
    });
});
