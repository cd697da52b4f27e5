// Which rules count for which request.
import { expect, test } from "bun:test";
import { limitRule } from "../../tests/support/limitKit.ts";
import { toRoute } from "../pocketbase/routes.ts";
import { Limiter } from "./limiter.ts";
import { RuleSet } from "./ruleSet.ts";
import type { Rule } from "./rules.ts";

const RULE = limitRule({ by: ["collection"], cost: 1 });

const deed = (path: string, method = "GET") => ({
  method,
  path,
  route: toRoute(method, path.slice(1).split("/")),
});

const createKit = (rules: readonly Rule[]) => {
  const known = { id: "pbc_AbC", name: "Posts" };
  const set = new RuleSet({
    rules,
    limiter: new Limiter({ keysMax: 100, hashKey: [1, 2], nowMs: () => 0 }),
    collectionOf: (segment) =>
      [known.id.toLowerCase(), known.name.toLowerCase()].includes(segment) ? { ...known } : undefined,
  });
  return { known, set };
};

test("a collection is meant by its id and its name, whatever their case, and counts as one", () => {
  const { known, set } = createKit([
    { ...RULE, name: "by-name", collections: ["posts"] },
    { ...RULE, name: "by-id", collections: ["pbc_abc"] },
    { ...RULE, name: "other", collections: ["others"] },
  ]);
  for (const segment of ["posts", "POSTS", "pbc_abc", "PBC_ABC"]) {
    const plan = set.plan(deed(`/api/collections/${segment}/records`), "guest");
    expect(plan.charges.map(({ rule, collection }) => `${rule.rule.name} ${collection}`)).toEqual([
      "by-name pbc_AbC",
      "by-id pbc_AbC",
    ]);
  }
  known.name = "Articles";
  set.forget();
  const renamed = set.plan(deed("/api/collections/articles/records"), "guest");
  expect(renamed.charges.map(({ rule }) => rule.rule.name)).toEqual(["by-id"]);
});

test("methods, actions and audiences tell rules apart; a HEAD is a GET, and superusers are meant by name only", () => {
  const { set } = createKit([
    { ...RULE, name: "reads", methods: ["GET"] },
    { ...RULE, name: "views", actions: ["view"] },
    { ...RULE, name: "users", audience: ["user"] },
    { ...RULE, name: "roots", audience: ["superuser"] },
    { ...RULE, name: "shadow", isShadow: true },
  ]);
  const names = (path: string, method: string, audience: "guest" | "user" | "superuser") =>
    set
      .plan(deed(path, method), audience)
      .charges.map(({ rule }) => rule.rule.name)
      .join();
  const record = "/api/collections/posts/records/abc";
  expect(names(record, "HEAD", "guest")).toBe("reads,views,shadow");
  expect(names(record, "PATCH", "user")).toBe("users,shadow");
  expect(names("/api/collections/posts/records", "GET", "user")).toBe("reads,users,shadow");
  expect(names(record, "GET", "superuser")).toBe("roots");
  expect(set.plan(deed(record, "PATCH"), "guest").policies).toBeUndefined();
  expect(set.plan(deed(record, "PATCH"), "user").policies).toBe('"users";q=10;w=60');
});

test("one route object that means several things at once gets the plan of each, however they take turns", () => {
  const { set } = createKit([
    { ...RULE, name: "posts", methods: ["POST"] },
    { ...RULE, name: "patches", methods: ["PATCH"] },
    { ...RULE, name: "lists", actions: ["list"] },
    { ...RULE, name: "users", audience: ["user"] },
  ]);
  const shared = toRoute("GET", ["api", "collections", "posts", "records"]);
  const list = "/api/collections/posts/records";
  const asked = [
    ["POST", list, "guest", "posts"],
    ["PATCH", list, "guest", "patches"],
    ["GET", list, "guest", "lists"],
    ["GET", `${list}/abc`, "guest", ""],
    ["GET", list, "user", "lists,users"],
    ["POST", list, "user", "posts,users"],
  ] as const;
  for (const [method, path, audience, wanted] of [...asked, ...asked, ...asked.toReversed()]) {
    const { charges } = set.plan({ method, path, route: shared }, audience);
    expect(charges.map(({ rule }) => rule.rule.name).join()).toBe(wanted);
  }
});
