// The names that may not travel on, in every spelling PocketBase's rules would read alike.
import { describe, expect, test } from "bun:test";
import { headerValue, isDroppedFromAnswers, isDroppedFromRequests, tokens } from "./headers.ts";

describe("isDroppedFromRequests", () => {
  const dropped = [
    ...[
      "connection",
      "keep-alive",
      "te",
      "trailer",
      "transfer-encoding",
      "upgrade",
      "host",
      "content-length",
      "expect",
    ],
    ...[
      "x-forwarded-for",
      "x-forwarded-anything",
      "forwarded",
      "x-real-ip",
      "true-client-ip",
      "cf-connecting-ip",
    ],
    ...["fly-client-ip", "x-hapta-edge", "x-http-method-override", "x-original-url", "x-rewrite-url", "via"],
    // PocketBase folds punctuation: to a rule these are x_forwarded_for, x_real_ip, x_hapta_edge.
    ...["x_forwarded_for", "x.forwarded.for", "x--forwarded-for", "-x-real-ip", "x-real-ip-", "x.hapta.edge"],
    ...["x-a_b", "x!a", "x~a", "*"],
  ];
  test.each(dropped)("isDroppedFromRequests drops %s", (name) => {
    expect(isDroppedFromRequests(name)).toBe(true);
  });

  const kept = [
    "accept",
    "accept-language",
    "cookie",
    "content-type",
    "origin",
    "range",
    "if-none-match",
    "x-token",
    "x1-2a",
  ];
  test.each(kept)("isDroppedFromRequests keeps %s", (name) => {
    expect(isDroppedFromRequests(name)).toBe(false);
  });
});

describe("isDroppedFromAnswers", () => {
  test("isDroppedFromAnswers drops hop-by-hop fields and nothing else", () => {
    expect(["connection", "keep-alive", "te", "upgrade"].every(isDroppedFromAnswers)).toBe(true);
    expect(["date", "set-cookie", "vary", "location", "content-length"].some(isDroppedFromAnswers)).toBe(
      false,
    );
  });
});

describe("header lists", () => {
  test("headerValue finds the first value in any case", () => {
    expect(headerValue(["A", "1", "b", "2", "B", "3"], "B")).toBe("2");
    expect(headerValue(["A", "1"], "c")).toBeUndefined();
  });

  test("tokens splits, trims and lower-cases", () => {
    expect(tokens(" Close, keep-alive ,,X ")).toEqual(["close", "keep-alive", "x"]);
  });
});
