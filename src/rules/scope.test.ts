// Who may share an answer and what it depends on, rule by rule. The texts themselves are parsed elsewhere.
import { describe, expect, test } from "bun:test";
import { type Collection, toCollection } from "../pocketbase/collection.ts";
import { type ScopeQuestion, scopeOf } from "./scope.ts";

type Json = Readonly<Record<string, unknown>>;

const text = (name: string): Json => ({ name, type: "text" });
const relation = (name: string, collectionId: string, maxSelect = 1): Json => ({
  name,
  type: "relation",
  collectionId,
  maxSelect,
});

const collection = (name: string, options: Json, fields: readonly Json[] = []): Collection =>
  toCollection({
    id: `id_${name}`,
    name,
    type: "base",
    listRule: "",
    viewRule: "",
    ...options,
    fields: [text("id"), ...fields],
  });

const ALL = [
  collection("posts", {}, [
    text("title"),
    text("status"),
    { name: "meta", type: "json" },
    relation("author", "id_users"),
    relation("team", "id_teams"),
  ]),
  collection("teams", { viewRule: '@request.auth.id != ""' }, [
    relation("members", "id_users", 9),
    text("name"),
  ]),
  collection("comments", {}, [relation("post", "id_posts"), relation("user", "id_users")]),
  collection("flags", { listRule: null, viewRule: null }, [text("name")]),
  collection("users", { type: "auth", manageRule: null }, [text("role"), relation("team", "id_teams")]),
  collection("managed", { type: "auth", manageRule: '@request.headers.x_key = "k"' }),
  collection("counts", {
    type: "view",
    viewQuery:
      'SELECT p.id, COUNT(c.id) as n FROM "posts" p LEFT JOIN [comments] c ON c.post = p.id GROUP BY p.id',
  }),
  collection("nested", { type: "view", viewQuery: "select id from counts" }),
  collection("clocked", { type: "view", viewQuery: "select id, datetime('now') as at from posts" }),
  collection("randomly", { type: "view", viewQuery: "select id, random() as r from posts" }),
  collection("tabled", { type: "view", viewQuery: "select id from _params" }),
];

const find = (segment: string): Collection | undefined =>
  ALL.find(({ id, name }) => id === segment || name === segment.toLowerCase());

const named = (name: string): Collection => {
  const found = find(name);
  if (found === undefined) throw new Error(name);
  return found;
};

type Asked = Partial<Omit<ScopeQuestion, "collection" | "find">> & { readonly rule?: string | null };

const ask = (name: string, { rule, ...asked }: Asked = {}) => {
  const base = named(name);
  const rules = rule === undefined ? base.rules : { ...base.rules, list: rule, view: rule };
  const question: ScopeQuestion = {
    find,
    collection: { ...base, rules },
    operation: "list",
    filter: undefined,
    sort: undefined,
    expand: undefined,
    fields: undefined,
    caller: named("users"),
    ...asked,
  };
  const { sharing, collections, readsQuery } = scopeOf(question);
  return `${sharing}${readsQuery ? "+query" : ""} ${[...collections].map((id) => id.slice(3)).join(",")}`;
};

describe("scopeOf", () => {
  test.each([
    ["", "public posts"],
    [null, "public posts"],
    ['status = "public"', "public posts"],
    ["meta.a.b = 1 && title:lower = 'x'", "public posts"],
    ['@request.auth.id != ""', "kind posts"],
    ["'' = @request.auth.id || status = 'open'", "kind posts"],
    ['@request.auth.collectionName = "users"', "kind posts"],
    ["@request.auth.id != status", "principal posts"],
    ["@request.auth.id > ''", "principal posts"],
    ["@request.auth.id:lower != ''", "principal posts"],
    ["@request.auth.verified = true", "principal posts"],
    ["author = @request.auth.id", "principal posts"],
    ["author.id = @request.auth.id", "principal posts"],
    ["team.members.id ?= @request.auth.id", "principal posts,teams,users"],
    ["@request.auth.team.name = 'a'", "principal posts,teams"],
    ["@request.auth.nothing.name = 'a'", "nobody posts"],
    ['@collection.flags.name ?= "open"', "public posts,flags"],
    ["@collection.posts:two.team.name ?= 'x'", "public posts,teams"],
    ["@collection.nothing.name ?= 'x'", "nobody posts"],
    ["comments_via_post.user ?= @request.auth.id", "principal posts,comments"],
    ["@request.headers.x_key = 'k'", "nobody posts"],
    ["@request.query.share = title", "public+query posts"],
    ["@request.body.a = 1", "nobody posts"],
    ["@request.method = 'GET'", "nobody posts"],
    ["@request.context = 'default'", "public posts"],
    ["title < @now", "nobody posts"],
    ["title < @todayEnd", "nobody posts"],
    ["strftime('%Y') = '2026'", "nobody posts"],
    ["strftime('%Y', title) = '2026'", "public posts"],
    ["unknown(title) = 1", "nobody posts"],
    ["nothing = 1", "nobody posts"],
    ["this is no rule", "nobody posts"],
  ])("a rule %p is shared by %p", (rule, expected) => {
    expect(ask("posts", { rule })).toBe(expected);
  });

  test.each<[string, Asked, string]>([
    ["filter of its own", { filter: "title = 'a'" }, "public posts"],
    ["filter through a relation", { filter: "team.name = 'a'" }, "public posts,teams"],
    ["filter through a locked collection", { filter: "@collection.flags.name = 'a'" }, "public posts,flags"],
    ["filter by the clock", { filter: "title > @now" }, "nobody posts"],
    ["filter that is none", { filter: "title = " }, "nobody posts"],
    ["sort", { sort: "-title,+status" }, "public posts"],
    ["sort through a relation", { sort: "-team.name" }, "public posts,teams"],
    ["sort at random", { sort: "@random" }, "nobody posts"],
    ["sort by row", { sort: "-@rowid" }, "public posts"],
    ["expand", { expand: "team" }, "kind posts,teams"],
    ["expand of an account", { expand: "author" }, "principal posts,users"],
    ["expand, two deep", { expand: "team.members" }, "principal posts,teams,users"],
    ["expand backwards", { expand: "comments_via_post" }, "public posts,comments"],
    ["expand backwards, old style", { expand: "comments(post)" }, "public posts,comments"],
    ["expand of nothing", { expand: "nothing" }, "nobody posts"],
    ["filter of a view", { operation: "view", filter: "title > @now" }, "public posts"],
  ])("%s", (_, asked, expected) => {
    expect(ask("posts", asked)).toBe(expected);
  });

  test("records with e-mail addresses are nobody else's, and managers are asked about", () => {
    expect(ask("users")).toBe("principal users");
    expect(ask("users", { caller: undefined })).toBe("principal users");
    expect(ask("managed")).toBe("nobody managed");
    expect(ask("managed", { caller: undefined })).toBe("principal managed");
  });

  test("views depend on what they are made of, and are shared when all of it is known", () => {
    expect(ask("counts")).toBe("public posts,comments");
    expect(ask("nested")).toBe("public posts,comments");
    expect(ask("clocked")).toStartWith("nobody");
    expect(ask("randomly")).toStartWith("nobody");
    expect(ask("tabled")).toStartWith("nobody");
  });
});
