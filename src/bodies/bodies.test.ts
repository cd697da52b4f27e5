// Struct bodies and forms: what is rebuilt, what is refused, and why.
import { describe, expect, test } from "bun:test";
import { Refusal } from "../errors.ts";
import type { BodySource } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { BodyBudget } from "./bodyBudget.ts";
import { createCountedSource } from "./countedSource.ts";
import { checkFormQuery, rebuildMultipartForm, rebuildUrlencodedForm } from "./formBody.ts";
import { readBody } from "./readBody.ts";
import { rebuildStructBody } from "./structBody.ts";

const rebuilt = (text: string): string => Buffer.from(rebuildStructBody(Buffer.from(text))).toString();

const reasonOf = (run: () => unknown): string => {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) return JSON.stringify(error.detail.data);
    throw error;
  }
  return "accepted";
};

describe("rebuildStructBody", () => {
  test("rebuildStructBody keeps values as the text that was checked", () => {
    expect(rebuilt(' { "identity" : "a" , "n" : 1.0e2, "o": {"a": [1, 12345678901234567890]} } ')).toBe(
      '{"identity":"a","n":1.0e2,"o":{"a": [1, 12345678901234567890]}}',
    );
    expect(rebuilt("null")).toBe("null");
    expect(rebuilt("{}")).toBe("{}");
  });

  const refused: readonly (readonly [name: string, text: string])[] = [
    ["the same member twice", '{"clientId":"mine","clientId":"victim"}'],
    ["a member in another case", '{"clientId":"mine","CLIENTID":"victim"}'],
    ["a member with a long s", '{"subscriptions":[],"\u017fubscriptions":["x"]}'],
    ["a member with a Kelvin sign", '{"token":"a","to\u212aen":"b"}'],
    ["a nested member twice", '{"a":{"b":1,"b":2}}'],
    ["two values", '{"a":1}{"a":2}'],
    ["text behind the value", '{"a":1}x'],
    ["an array", "[1]"],
    ["a string", '"x"'],
    ["a byte-order mark", "\ufeff{}"],
    ["a lone surrogate", '{"a":"\\ud800"}'],
    ["depth 65", `${'{"a":'.repeat(65)}1${"}".repeat(65)}`],
    ["10,001 members", `{${Array.from({ length: 10_001 }, (_, i) => `"m${i}":1`).join(",")}}`],
    ["250,001 values", `{"a":[${"1,".repeat(250_000)}1]}`],
  ];
  test.each(refused)("rebuildStructBody refuses %s", (_name, text) => {
    expect(reasonOf(() => rebuilt(text))).toContain("validation_invalid_body");
  });

  test("rebuildStructBody refuses invalid UTF-8", () => {
    expect(
      reasonOf(() => rebuildStructBody(Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]))),
    ).toContain("UTF-8");
  });

  test("rebuildStructBody leaves no prototype behind", () => {
    expect(rebuilt('{"__proto__":{"x":1}}')).toBe('{"__proto__":{"x":1}}');
    expect(({} as { x?: number }).x).toBeUndefined();
  });
});

const multipart = (parts: readonly string[]): string =>
  `${parts.map((part) => `--b\r\nContent-Disposition: form-data; ${part}\r\n`).join("")}--b--\r\n`;
const form = (parts: readonly string[]): string => {
  const { bytes } = rebuildMultipartForm(
    Buffer.from(multipart(parts)),
    "multipart/form-data; boundary=b",
    multipartCodec,
  );
  return Buffer.from(bytes).toString();
};

describe("rebuildMultipartForm", () => {
  test("rebuildMultipartForm writes the fields under a boundary of its own", () => {
    const text = form(['name="identity"\r\n\r\na@b.co', 'name="password"\r\n\r\nsecret']);
    expect(text).toContain('name="identity"\r\n\r\na@b.co\r\n');
    expect(text).not.toContain("--b\r\n");
  });

  test("rebuildMultipartForm refuses fields that mean two things", () => {
    const twice = ['name="clientId"\r\n\r\nmine', 'name="CLIENTID"\r\n\r\nvictim'];
    expect(reasonOf(() => form(twice))).toContain("twice");
    const lists = ['name="SUBSCRIPTIONS"\r\n\r\na', 'name="subscriptions"\r\n\r\nb'];
    expect(reasonOf(() => form(lists))).toContain("twice");
    expect(reasonOf(() => form([...lists].reverse()))).toContain("twice");
    const list = ['name="subscriptions"\r\n\r\na', 'name="subscriptions"\r\n\r\nb'];
    expect(form(list)).toContain("b\r\n");
    const payload = ['name="@jsonPayload"\r\n\r\n{"clientId":"victim"}', 'name="clientId"\r\n\r\nmine'];
    expect(reasonOf(() => form(payload))).toContain("twice");
    const payloads = ['name="@jsonPayload"\r\n\r\n{"a":1}', 'name="@jsonPayload"\r\n\r\n{"b":1}'];
    expect(reasonOf(() => form(payloads))).toContain("twice");
    expect(reasonOf(() => form(['name="f"; filename="x"\r\n\r\ndata']))).toContain("Files");
    expect(reasonOf(() => form(["nonsense"]))).toContain("validation_invalid_body");
  });
});

describe("rebuildUrlencodedForm", () => {
  const encoded = (text: string): string =>
    Buffer.from(rebuildUrlencodedForm(Buffer.from(text)).bytes).toString();

  test("rebuildUrlencodedForm keeps what the fields say", () => {
    expect(encoded("identity=a%40b.co&password=p+w%26")).toBe("identity=a%40b.co&password=p+w%26");
  });

  test("rebuildUrlencodedForm refuses what parsers read differently", () => {
    for (const text of ["a=1;b=2", "a=%zz", "a=1&A=2", "a=\u00e9", "a=1&a=2"]) {
      expect(reasonOf(() => encoded(text))).toContain("validation_invalid_body");
    }
  });

  test("checkFormQuery lets only expand and fields stand beside a form", () => {
    expect(reasonOf(() => checkFormQuery("fields=token&expand=a"))).toBe("accepted");
    expect(reasonOf(() => checkFormQuery("clientId=victim"))).toContain("clientId");
  });
});

describe("BodyBudget", () => {
  test("BodyBudget never lends more than it has, nor more than a share to one client", () => {
    const budget = new BodyBudget({ bytesMax: 10, bytesPerClientMax: 6 });
    expect(budget.tryTake("a", 6)).toBe(true);
    expect(budget.tryTake("a", 1)).toBe(false);
    expect(budget.tryTake("b", 5)).toBe(false);
    expect(budget.tryTake("b", 4)).toBe(true);
    budget.give("a", 6);
    expect(budget.tryTake("a", 6)).toBe(true);
  });

  test("a counted source charges what arrives and gives it back", async () => {
    const budget = new BodyBudget({ bytesMax: 10, bytesPerClientMax: 10 });
    const flowing = (chunks: readonly string[]): BodySource => ({
      start: (sink) => {
        for (const chunk of chunks) sink.data(Buffer.from(chunk));
        sink.end();
      },
      resume: () => undefined,
      cancel: () => undefined,
    });
    const small = createCountedSource(flowing(["12345", "678"]), budget, "a");
    expect(Buffer.from(await readBody(small, { bytesMax: 99, timeoutMs: 1000 })).toString()).toBe("12345678");
    const second = createCountedSource(flowing(["123"]), budget, "a");
    expect(readBody(second, { bytesMax: 99, timeoutMs: 1000 })).rejects.toThrow(
      new Refusal("overloaded").message,
    );
    small.release();
    expect(budget.tryTake("a", 10)).toBe(true);
  });
});
