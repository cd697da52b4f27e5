// Which parts of filters and rules say what every record of a list has in common, and which only look like it.
import { expect, test } from "bun:test";
import { toCollection } from "../pocketbase/collection.ts";
import { equalitiesOf } from "./equalities.ts";
import { parseFilter } from "./parseFilter.ts";
import { shownFields } from "./shownFields.ts";

const POSTS = toCollection({
  id: "pbc_posts",
  name: "posts",
  type: "base",
  fields: [
    { name: "id", type: "text" },
    { name: "kind", type: "text" },
    { name: "owner", type: "relation", maxSelect: 1, collectionId: "pbc_users" },
    { name: "tags", type: "select", maxSelect: 3 },
    { name: "open", type: "bool" },
    { name: "n", type: "number" },
    { name: "at", type: "date" },
  ],
});

const found = (filter: string): string => {
  const parsed = parseFilter(filter);
  if (!parsed.ok) throw new Error(filter);
  return equalitiesOf([parsed.value], POSTS)
    .map(({ field, value }) => `${field}=${value.kind === "json" ? value.text : "caller"}`)
    .join(" ");
};

test.each([
  ["kind = 'a'", 'kind="a"'],
  ["'A' = kind && open = false", 'kind="A" open=false'],
  ["n > 3 && (owner = @request.auth.id && id = 'x')", 'owner=caller id="x"'],
  // Either, several, another meaning of empty, or another comparison.
  ["kind = 'a' || open = true", ""],
  ["(kind = 'a' || open = true) && n > 1", ""],
  ["kind = ''", ""],
  ["kind = null", ""],
  ["kind != 'a'", ""],
  ["kind ?= 'a'", ""],
  ["kind:lower = 'a'", ""],
  ["kind ~ 'a'", ""],
  ["tags = 'a'", ""],
  ["owner.name = 'a'", ""],
  ["owner = @request.auth.team", ""],
  ["n = 3", ""],
  ["n = '3'", ""],
  ["at = '2022-01-01'", ""],
  ["open = 1", ""],
  ["open = kind", ""],
  ["kind = 'a\ufffd'", ""],
])("equalitiesOf %p is %p", (filter, expected) => {
  expect(found(filter)).toBe(expected);
});

test.each([
  ["id,kind", "id,kind"],
  ["id,kind:excerpt(3,true),expand.owner.name,nothing", "id,kind"],
  ["", undefined],
  ["*,expand.owner", undefined],
  ["id,'kind'", undefined],
  ["id,kind:excerpt(3", undefined],
])("shownFields %p are %p", (text, expected) => {
  const shown = shownFields(text, POSTS);
  expect(shown === undefined ? undefined : [...shown].join()).toBe(expected);
});
