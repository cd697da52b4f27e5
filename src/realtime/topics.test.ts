// What may be subscribed.
import { describe, expect, test } from "bun:test";
import { makeClientId } from "./clientId.ts";
import { readSubscription } from "./topics.ts";

const read = (subscriptions: unknown, clientId: unknown = "x") =>
  readSubscription(
    new Map([
      ["clientid", clientId],
      ["subscriptions", subscriptions],
    ]),
    false,
  );

const withOptions = (options: unknown): string =>
  `posts/*?options=${encodeURIComponent(typeof options === "string" ? options : JSON.stringify(options))}`;

describe("readSubscription", () => {
  test("readSubscription takes what PocketBase takes", () => {
    for (const given of [undefined, null, [], [""]])
      expect(read(given)).toEqual({ ok: true, clientId: "x", topics: [] });
    const label = withOptions({ query: { filter: "a='ü'" } });
    expect(read(["posts/*", label, "posts/*"])).toMatchObject({ topics: ["posts/*", label] });
  });

  test("readSubscription refuses with PocketBase's field errors", () => {
    for (const given of ["a", [1], { a: 1 }]) expect(read(given)).toEqual({ ok: false, data: {} });
    expect(read([], 1)).toEqual({ ok: false, data: {} });
    expect(read([], "")).toMatchObject({ data: { clientId: { code: "validation_required" } } });
    expect(read(["ok", "é".repeat(1_251)])).toMatchObject({
      data: { subscriptions: { "1": { code: "validation_length_too_long" } } },
    });
  });

  test("RE5: line breaks and NUL are refused, wherever they stand", () => {
    for (const sign of ["\n", "\r", "\0", "\r\n"])
      for (const topic of [`a${sign}b`, `${sign}a`, `a${sign}`, withOptions({}) + sign])
        expect(read([topic]).ok).toBe(false);
  });
});

test("makeClientId makes names like PocketBase's, never the same twice", () => {
  const names = new Set(Array.from({ length: 5_000 }, makeClientId));
  expect(names.size).toBe(5_000);
  for (const name of names) expect(name).toMatch(/^[A-Za-z0-9]{40}$/);
});
