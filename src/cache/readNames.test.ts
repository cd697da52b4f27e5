// Names of reads: what fits one, what is in it, and which names contradict each other.

import { expect, test } from "bun:test";
import { leastCpuMs } from "../../tests/support/cpuTime.ts";
import { createReadNames, type NamedReads, nameProblems } from "./readNames.ts";

const named = (names: Readonly<Record<string, Partial<NamedReads> & { collection: string }>>) =>
  new Map(Object.entries(names).map(([name, one]) => [name, { record: undefined, query: {}, ...one }]));

const names = createReadNames(
  named({
    "u/{username}": { collection: "users", query: { filter: "username='{username}'" } },
    "chat/{a}/{b}": { collection: "messages", query: { filter: "from='{a}' && to='{b}'", sort: "-created" } },
    "range/{a}": { collection: "posts", query: { filter: "n>{a} && m<{a}" } },
    "post/{id}": { collection: "pbc_posts", record: "{id}" },
    "posts_recommended_feed_{userId}": { collection: "posts", query: { sort: "-score" } },
    posts: { collection: "posts" },
  }),
);

const nameOf = (collection: string, query: Readonly<Record<string, string>>, recordId?: string) =>
  names({
    collection: { name: collection, id: `pbc_${collection.toLowerCase()}` },
    recordId,
    parameters: Object.entries(query),
  });

test.each([
  ["users", { filter: "username='ada'" }, "u/ada"],
  ["Users", { filter: "username='ada'", page: "1", skipTotal: "1" }, "u/ada"],
  ["users", { filter: "username='ümläut.x@y'" }, "u/ümläut.x@y"],
  ["users", { filter: "username='ada' || id!=''" }, undefined],
  ["users", { filter: "username='a d'" }, undefined],
  ["users", { filter: "username=''" }, undefined],
  ["users", { filter: "xusername='ada'" }, undefined],
  ["users", { filter: `username='${"a".repeat(256)}'` }, undefined],
  ["users", {}, undefined],
  ["messages", { filter: "from='x' && to='y'", sort: "-created" }, "chat/x/y"],
  ["messages", { filter: "from='x' && to='y'" }, undefined],
  ["posts", { filter: "n>1 && m<1" }, "range/1"],
  ["posts", { filter: "n>1 && m<2" }, "posts"],
  ["posts", { sort: "-score", perPage: "5" }, "posts_recommended_feed_{userId}"],
  ["posts", { page: "2" }, "posts"],
  ["others", {}, undefined],
])("%s %j is %s", (collection, query, name) => {
  expect(nameOf(collection, query)).toBe(name);
});

test("one record has a name of its own, by the collection's id too", () => {
  expect(nameOf("posts", {}, "abc")).toBe("post/abc");
  expect(nameOf("users", {}, "abc")).toBeUndefined();
});

test("a long text that nearly fits is refused quickly", () => {
  const odd = createReadNames(
    named({ "{a}.{b}.{c}.{d}": { collection: "x", query: { filter: "{a}-{b}-{c}-{d}!" } } }),
  );
  const parameters = [["filter", "-a".repeat(4_000)]] as const;
  const work = (): void =>
    expect(odd({ collection: { name: "x", id: "y" }, recordId: undefined, parameters })).toBeUndefined();
  expect(leastCpuMs(work, 1_000)).toBeLessThan(1_000);
});

test.each([
  [{ "u/{a}": { collection: "users" } }, "{a} has no value"],
  [{ u: { collection: "users", query: { filter: "n='{a}'" } } }, "{a} is missing in the name"],
  [{ "{a}{b}": { collection: "users", query: { filter: "{a}-{b}" } } }, "side by side"],
  [{ "{a}-{b}": { collection: "users", query: { filter: "{a}{b}" } } }, "side by side"],
  [
    {
      "u/{a}": { collection: "users", query: { filter: "n='{a}'" } },
      "u/{b}": { collection: "users", query: { filter: "m='{b}'" } },
    },
    'may be the same as "u/{a}"',
  ],
  [
    {
      "u/{a}": { collection: "users", query: { filter: "n='{a}'" } },
      "v/{b}": { collection: "Users", query: { filter: "n='{b}'" } },
    },
    'names the same reads as "u/{a}"',
  ],
])("%j contradicts itself", (wrong: Parameters<typeof named>[0], problem) => {
  expect(nameProblems(named(wrong)).flat().join()).toContain(problem);
});

test("what is right has no problems", () => {
  expect(
    nameProblems(
      named({
        "feed_{userId}": { collection: "posts", query: { sort: "-score" } },
        "u/{a}": { collection: "users", query: { filter: "n='{a}'" } },
      }),
    ),
  ).toEqual([]);
});
