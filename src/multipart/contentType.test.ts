// The boundary of a Content-Type: what honest clients send, and the spellings that readers disagree about.
import { describe, expect, test } from "bun:test";
import { readBoundary } from "./contentType.ts";
import { MultipartError } from "./multipartError.ts";

describe("readBoundary", () => {
  const accepted: readonly (readonly [string, string])[] = [
    ["multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxk", "----WebKitFormBoundary7MA4YWxk"],
    ["multipart/form-data;boundary=x", "x"],
    ['multipart/form-data; boundary="a b:c?"', "a b:c?"],
    ["multipart/form-data; charset=utf-8; boundary=x", "x"],
    ['multipart/form-data; boundary=x; charset="UTF-8"', "x"],
    ["multipart/form-data; Boundary=x", "x"],
    [`multipart/form-data; boundary=${"a".repeat(70)}`, "a".repeat(70)],
  ];
  for (const [value, boundary] of accepted) {
    test(`readBoundary accepts ${value}`, () => expect(readBoundary(value)).toBe(boundary));
  }

  const refused = [
    "multipart/form-data",
    "multipart/form-data;",
    "multipart/form-data; boundary=",
    'multipart/form-data; boundary=""',
    'multipart/form-data; boundary="a "',
    'multipart/form-data; boundary="a',
    'multipart/form-data; boundary="a\\"b"',
    "multipart/form-data; boundary=a b",
    "multipart/form-data; boundary=a:b",
    "multipart/form-data; boundary=a; boundary=b",
    "multipart/form-data; boundary=a; boundary=a",
    "multipart/form-data; boundary=a; BOUNDARY=b",
    "multipart/form-data; boundary*=utf-8''a",
    "multipart/form-data; boundary = a",
    "multipart/form-data; boundary=a, multipart/form-data; boundary=b",
    "multipart/form-data; boundary=a; charset=utf-7",
    "multipart/form-data; boundary=a; x=y",
    "multipart/form-data; boundary=é",
    `multipart/form-data; boundary=${"a".repeat(71)}`,
    "multipart/form-datax; boundary=a",
    "Multipart/Form-Data; boundary=a",
    "multipart/mixed; boundary=a",
    "application/json",
    "",
  ];
  for (const value of refused) {
    test(`readBoundary refuses ${value.slice(0, 70)}`, () => {
      expect(() => readBoundary(value)).toThrow(MultipartError);
    });
  }
});
