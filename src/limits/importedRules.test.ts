import { describe, expect, test } from "bun:test";
import { toRoute } from "../pocketbase/routes.ts";
import type { Deed } from "./actions.ts";
import { importRules } from "./importedRules.ts";
import { type Audience, readPathPattern, selectRules } from "./rules.ts";

const rule = (label: string, maxRequests = 5, audience = "") => ({
  label,
  audience,
  duration: 10,
  maxRequests,
});
const settings = (...rules: unknown[]) => ({ rateLimits: { enabled: true, rules } });

const deed = (method: string, path: string): Deed => ({
  method,
  path,
  route: toRoute(method, path.slice(1).split("/")),
});

/** Max of the rule that counts, or undefined. */
const counts = (
  all: unknown,
  of: Deed,
  { audience = "guest" as Audience, collection = ["posts", "pbc_1"] } = {},
) => selectRules(importRules(all).rules, { deed: of, audience, collection }).map(({ unitsMax }) => unitsMax);

const LIST = deed("GET", "/api/collections/posts/records");
const CREATE = deed("POST", "/api/collections/posts/records");
const LOGIN = deed("POST", "/api/collections/users/auth-with-password");

describe("importRules", () => {
  test("takes over what PocketBase offers as a preset", () => {
    const preset = settings(
      { label: "*:auth", audience: "", duration: 3, maxRequests: 2 },
      { label: "*:create", audience: "", duration: 5, maxRequests: 20 },
      { label: "/api/batch", audience: "", duration: 1, maxRequests: 3 },
      { label: "/api/", audience: "", duration: 10, maxRequests: 300 },
    );
    expect(importRules(preset).skipped).toEqual([]);
    expect(counts(preset, LIST)).toEqual([300]);
    expect(counts(preset, CREATE)).toEqual([20]);
    expect(counts(preset, LOGIN)).toEqual([2]);
    expect(counts(preset, deed("POST", "/api/batch"))).toEqual([3]);
    expect(counts(preset, deed("GET", "/custom"))).toEqual([]);
    expect(counts(preset, LIST, { audience: "superuser" })).toEqual([]);
    expect(importRules(preset).rules[0]).toMatchObject({ windowMs: 3_000, by: ["address"], cost: 1 });
  });

  test("the first that PocketBase would find counts, for whom it is meant", () => {
    const all = settings(
      rule("/api/", 1),
      rule("GET /api/", 2),
      rule("GET /api/collections/posts/records", 3),
      rule("*:list", 4, "@auth"),
      rule("Posts:list", 5, "@guest"),
    );
    expect(counts(all, LIST)).toEqual([5]);
    expect(counts(all, LIST, { audience: "user" })).toEqual([4]);
    expect(counts(all, LIST, { collection: ["others"] })).toEqual([3]);
    expect(counts(all, deed("GET", "/api/x"))).toEqual([2]);
    expect(counts(all, deed("POST", "/api/x"))).toEqual([1]);
  });

  test("nothing of a limiter that is off, and nothing that is not understood", () => {
    expect(importRules({ rateLimits: { enabled: false, rules: [rule("/api/")] } }).rules).toEqual([]);
    for (const odd of [undefined, null, 3, {}, { rateLimits: 1 }, settings(null, 5, {}, rule("posts:fly"))])
      expect(importRules(odd).rules).toEqual([]);
    const skipped = importRules(
      settings(rule("posts:fly"), rule("/api/", 0), rule("/a b"), rule("/api/", 1, "x")),
    );
    expect(skipped.rules).toEqual([]);
    expect(skipped.skipped).toEqual(["posts:fly", "/api/", "/a b", "/api/"]);
  });
});

describe("readPathPattern", () => {
  test.each([
    ["/a/*", ["/a/b", "/a/"], ["/a", "/a/b/c"]],
    ["/a/**", ["/a", "/a/b", "/a/b/c"], ["/ab", "/b/a"]],
    ["/a/*/c", ["/a/b/c"], ["/a/c", "/a/b/b/c"]],
    ["/A.b", ["/a.b"], ["/axb"]],
  ])("%s", (pattern, yes, no) => {
    const path = readPathPattern(pattern);
    for (const text of yes) expect(path?.test(text)).toBe(true);
    for (const text of no) expect(path?.test(text)).toBe(false);
  });

  test.each(["a", "/a b", "/***", "/*a*b*c*d*", "/(a+)+[", `/${"a".repeat(300)}`])(
    "%s is none",
    (pattern) => {
      expect(readPathPattern(pattern)).toBeUndefined();
    },
  );
});
