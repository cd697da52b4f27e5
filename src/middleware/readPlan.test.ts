// What is known of a read beforehand: by who asks, by its query, and as long as the schema stays.
import { expect, test } from "bun:test";
import { toCollection } from "../pocketbase/collection.ts";
import { createReadPlans } from "./readPlan.ts";

type Json = Readonly<Record<string, unknown>>;

const relation = (name: string, target: string): Json => ({
  name,
  type: "relation",
  collectionId: target,
  maxSelect: 1,
});
const collection = (name: string, options: Json, fields: readonly Json[]) =>
  toCollection({ id: name, name, type: "base", listRule: "", viewRule: "", ...options, fields });

const schemaOf = (listRule: string, viewRule = listRule) => {
  const collections = [
    collection("posts", { listRule, viewRule }, [
      { name: "title", type: "text" },
      relation("author", "users"),
    ]),
    collection("teams", {}, [{ name: "name", type: "text" }]),
    collection("users", { type: "auth", manageRule: null }, [
      relation("team", "teams"),
      { name: "name", type: "text" },
    ]),
  ];
  return { version: 1, collections, find: (name: string) => collections.find(({ id }) => id === name) };
};

const create = (...rules: Parameters<typeof schemaOf>) => {
  let schema = schemaOf(...rules);
  const plans = createReadPlans({
    collections: { current: () => schema },
    settings: { cache: { bytesMax: 1_000_000, names: new Map(), collections: new Map() } },
    cache: { unsteady: new Set() },
  } as unknown as Parameters<typeof createReadPlans>[0]);
  const plan = (path: string, query: string, cid?: string) => {
    const made = plans({ path: `/api/collections/posts/records${path}`, query }, cid);
    if (made.kind === "none") throw new Error(made.reason);
    return made;
  };
  const setRule = (next: string): void => {
    schema = schemaOf(next);
  };
  return { plan, setRule };
};

const OF_TEAM = '@request.auth.team.name = "a"';

const ORDERS: readonly (readonly [string, readonly (string | undefined)[]])[] = [
  ["a guest's", [undefined, "users"]],
  ["theirs", ["users", undefined]],
];

test.each(ORDERS)(
  "what a rule reads along the caller's record counts for callers, if the first read is %s",
  (_, order) => {
    const { plan } = create(OF_TEAM);
    for (const page of [1, 2])
      for (const cid of order) {
        const { collectionIds } = plan("", `page=${page}`, cid);
        expect([page, cid, collectionIds.includes("teams")]).toEqual([page, cid, cid !== undefined]);
      }
  },
);

test("reads that differ in nothing but page or record depend on the same, each under a key of its own", () => {
  const { plan } = create("");
  const pages = [1, 2].map((page) => plan("", `page=${page}&expand=author`));
  expect(pages[0]?.needs).toEqual(pages[1]?.needs ?? []);
  expect(pages[0]?.key).not.toBe(pages[1]?.key);
  const records = ["r1", "r2"].map((id) => plan(`/${id}`, ""));
  expect(records.map(({ needs }) => needs[0]?.by?.value)).toEqual(
    ["r1", "r2"].map((id) => ({ kind: "json", text: `"${id}"` })),
  );
});

test.each(["filter=title='a'", "sort=author.name", "expand=author", "fields=title"])(
  "a list with %s is no list without",
  (query) => {
    const { plan } = create("");
    const [plain, other] = [plan("", "page=1"), plan("", `page=1&${query}`)];
    expect(plan("", "page=2").needs).toEqual(plain.needs);
    expect(plan("", `page=2&${query}`).needs).toEqual(other.needs);
    expect(other.needs).not.toEqual(plain.needs);
  },
);

const OWN = "author = @request.auth.id";

test("a record is judged by another rule than a list", () => {
  const { plan } = create("", OWN);
  const sharings = ["", "/r1", "", "/r2"].map((path) => plan(path, "", "users").sharing);
  expect(sharings).toEqual(["public", "principal", "public", "principal"]);
});

test("another rule is judged anew", () => {
  const { plan, setRule } = create("");
  expect(plan("/r1", "", "users").sharing).toBe("public");
  setRule(OWN);
  expect(plan("/r2", "", "users").sharing).toBe("principal");
});
