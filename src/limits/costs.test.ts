// What requests weigh, and that no spelling makes one lighter.
import { describe, expect, test } from "bun:test";
import { toRoute } from "../pocketbase/routes.ts";
import { weightOf } from "./costs.ts";

const weigh = (target: string, method = "GET", bodyBytes = 0): number => {
  const [path = "", query = ""] = target.split("?", 2);
  return weightOf(
    { method, path, route: toRoute(method, path.slice(1).split("/")) },
    { query, bodyBytes, topics: 0 },
  );
};
const LIST = "/api/collections/posts/records";

describe("weightOf", () => {
  test.each([
    ["", 1],
    ["?perPage=100", 1],
    ["?perPage=101", 2],
    ["?perPage=500", 5],
    ["?perPage=999999999999", 10],
    ["?perPage=-1", 1],
    ["?perPage=many", 1],
    ["?expand=author", 2],
    ["?expand=a,b.c.d", 4],
    ["?expand=a.b.c.d.e.f.g.h.i", 7],
    ["?perPage=500&expand=author", 6],
  ])("a list with %p weighs %p", (query, weight) => expect(weigh(LIST + query)).toBe(weight));

  // PocketBase reads the first of several.
  test.each([
    "perPage=1000&perPage=0000000001",
    "perPage=0000000001&perPage=1000",
    "perPage=1000&perPage=x",
    "perPage=x&perPage=1000",
    "per%50age=1000",
    "perPage=%31000",
    "perPage=+1000",
    "perPage=01000",
  ])("a page of 1000 as %p weighs ten", (query) => expect(weigh(`${LIST}?${query}`)).toBe(10));

  test.each([
    "expand=a.b.c&expand=aaaaaaaaaaaaaaaaaa",
    "expand=aaaaaaaaaaaaaaaaaa&expand=a.b.c",
    "e%78pand=a.b.c",
    "expand=a%2Eb.c",
  ])("three relations deep as %p weighs four", (query) => {
    expect(weigh(`${LIST}?${query}`)).toBe(4);
    expect(weigh(`${LIST}?${query}`, "HEAD")).toBe(4);
    expect(weigh(`${LIST}/abc?${query}`)).toBe(4);
    expect(weigh(`${LIST}?${query}`, "POST")).toBe(4);
    expect(weigh(`${LIST}/abc?${query}`, "PATCH")).toBe(4);
  });

  test("a query that is asked again weighs what it did, and another one its own", () => {
    for (let again = 0; again < 2; again++)
      for (let depth = 1; depth <= 5; depth++)
        for (const perPage of [1, 500, 1000]) {
          const query = `perPage=${perPage}&expand=${"a.".repeat(depth - 1)}a`;
          const weight = 1 + depth + (perPage === 1 ? 0 : perPage / 100 - 1);
          expect([query, weigh(`${LIST}?${query}`)]).toEqual([query, weight]);
        }
    const long = `filter=${"x".repeat(600)}&expand=a.b`;
    expect(weigh(`${LIST}?${long}`)).toBe(3);
    expect(weigh(`${LIST}?${long}.c`)).toBe(4);
  });

  test("a sign-up weighs like a login, with its files on top", () => {
    const deed = { method: "POST", path: LIST, route: toRoute("POST", LIST.slice(1).split("/")) };
    expect(weightOf(deed, { query: "", bodyBytes: 0, isSignUp: true })).toBe(5);
    expect(weightOf(deed, { query: "expand=a", bodyBytes: 1_048_576, isSignUp: true })).toBe(7);
  });

  test("an upload counts its whole megabytes, a login five, a preflight a tenth", () => {
    expect(weigh(LIST, "POST", 3 * 1_048_576 + 5)).toBe(4);
    expect(weigh("/api/collections/users/auth-with-password", "POST")).toBe(5);
    expect(weigh("/api/collections/users/auth-refresh", "POST")).toBe(1);
    expect(weigh(LIST, "OPTIONS")).toBe(0.1);
    expect(weigh("/api/realtime")).toBe(1);
  });
});
