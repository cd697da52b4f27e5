// Which shapes of queries are over which bounds. Nothing is sent anywhere.
import { describe, expect, test } from "bun:test";
import { COLLECTIONS } from "../../tests/support/fixture/schema.ts";
import { type Collection, toCollection } from "../pocketbase/collection.ts";
import { hasLimits, listOverLimit, type QueryLimits } from "./queryLimits.ts";

const ID = { name: "id", type: "text", primaryKey: true };
const INDEXES = [
  "CREATE INDEX `a` ON `articles` (`title`, `views` DESC)",
  "create index if not exists b on articles (kind COLLATE NOCASE)",
  'CREATE INDEX c ON articles ("score") WHERE score > (1 + 1)',
  "CREATE INDEX d ON articles (lower(contact))",
];
const ALL = COLLECTIONS.map((one) => {
  const indexes = one["name"] === "articles" ? INDEXES : one["indexes"];
  return toCollection({ ...one, indexes, fields: [ID, ...((one["fields"] as unknown[]) ?? [])] });
});
const find = (key: string): Collection | undefined => ALL.find(({ id, name }) => id === key || name === key);

const OFF: QueryLimits = {
  filterBytesMax: 0,
  filterTermsMax: 0,
  joinsMax: 0,
  nestedManyMax: 0,
  perPageMax: 0,
  expandDepthMax: 0,
  indexedSorts: [],
};

/** The code of the bound that a query of articles is over. */
const overOf = (values: Record<string, string>, limits: Partial<QueryLimits>, name = "articles") => {
  const base = find(name);
  if (base === undefined) throw new Error(`no ${name}`);
  const context = { base, find, isPrivileged: false };
  return listOverLimit(new Map(Object.entries(values)), context, { ...OFF, ...limits })?.code;
};

describe("listOverLimit", () => {
  test("has no bounds of its own", () => {
    expect(hasLimits(OFF)).toBe(false);
    const dear = { filter: "comments_via_article.author.name ~ 'a'", sort: "@random", perPage: "1000" };
    expect(overOf({ ...dear, expand: "a.b.c.d.e.f" }, {})).toBeUndefined();
  });

  test("counts bytes, comparisons and records", () => {
    expect(overOf({ filter: "title ~ 'ä'" }, { filterBytesMax: 12 })).toBeUndefined();
    expect(overOf({ filter: "title ~ 'ä'" }, { filterBytesMax: 11 })).toBe("query_length_limit");
    const three = { filter: "views > 1 && (score = 2 || score = 3)" };
    expect(overOf(three, { filterTermsMax: 3 })).toBeUndefined();
    expect(overOf(three, { filterTermsMax: 2 })).toBe("query_terms_limit");
    const pages = ["100", "101", "9999999", "0", ""].map((perPage) =>
      overOf({ perPage }, { perPageMax: 100 }),
    );
    expect(pages).toEqual([undefined, "query_per_page_limit", "query_per_page_limit", undefined, undefined]);
    expect(overOf({ perPage: "5000" }, { perPageMax: 1_000 })).toBeUndefined();
  });

  test("counts a relation once, wherever it is followed", () => {
    const query = { filter: "author.name = 'a' || author.role = 'b'", sort: "author.name,related.title" };
    expect(overOf(query, { joinsMax: 2 })).toBeUndefined();
    expect(overOf(query, { joinsMax: 1 })).toBe("query_joins_limit");
    expect(overOf({ filter: "author.id = 'a' && author = 'b'" }, { joinsMax: 1 })).toBeUndefined();
  });

  test("counts the relations to many on one path", () => {
    const nested = { filter: "related.comments_via_article.author.name = 'a'" };
    expect(overOf(nested, { nestedManyMax: 2 })).toBeUndefined();
    expect(overOf(nested, { nestedManyMax: 1 })).toBe("query_nested_many_limit");
    expect(overOf({ sort: nested.filter.split(" ")[0] ?? "" }, { nestedManyMax: 1 })).toBe(
      "query_nested_many_limit",
    );
    // One backward neighbour at most, says the index.
    expect(
      overOf({ filter: "profiles_via_member.motto = 'a'" }, { nestedManyMax: 1 }, "members"),
    ).toBeUndefined();
    const beside = { filter: "related.title = 'a' && comments_via_article.words = 'b'" };
    expect(overOf(beside, { nestedManyMax: 1 })).toBeUndefined();
  });

  test("knows how deep expand goes", () => {
    const limits = { expandDepthMax: 2 };
    expect(overOf({ expand: "author,related.author" }, limits)).toBeUndefined();
    expect(overOf({ expand: "author, related . related.author" }, limits)).toBe("query_expand_depth_limit");
    expect(
      overOf({ expand: Array.from({ length: 1_002 }, (_, at) => `a${at}`).join() }, limits),
    ).toBeDefined();
  });

  test("lets a big collection be sorted by what an index begins with", () => {
    const sorted = (sort: string, where = "articles", name = where) =>
      overOf({ sort }, { indexedSorts: [where] }, name) === undefined;
    expect(["title", "-title,score", "id", "@rowid", "-id"].map((sort) => sorted(sort))).toEqual(
      Array(5).fill(true),
    );
    const dear = [
      "views",
      "kind",
      "score",
      "contact",
      "@random",
      "author.name",
      "title:lower",
      "score,title",
    ];
    expect(dear.map((sort) => sorted(sort))).toEqual(Array(dear.length).fill(false));
    expect(sorted("views", "pbc_articles001", "articles")).toBe(false);
    expect(sorted("title", "*", "articleStats")).toBe(false);
    expect(sorted("views", "notices", "articles")).toBe(true);
  });
});
