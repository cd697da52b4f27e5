// What filters read, by example: one for each thing the language can read.
import { expect, test } from "bun:test";
import { parseRule } from "./parseFilter.ts";
import { type Reads, readsOf, readsOfNames } from "./reads.ts";

const read = (...rules: readonly string[]): Reads =>
  readsOf(
    ...rules.map((rule) => {
      const parsed = parseRule(rule);
      if (!parsed.ok) throw new Error(`${rule}: ${parsed.problem.message}`);
      return parsed.value;
    }),
  );

const shown = (reads: Reads): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(reads)
      .map(([key, value]) => [key, value instanceof Set ? [...value] : value] as const)
      .filter(([, value]) => (Array.isArray(value) ? value.length > 0 : value === true)),
  );

const cases: readonly (readonly [string, Record<string, unknown>])[] = [
  ["status = 'open'", { fields: ["status"] }],
  ["owner = @request.auth.id", { fields: ["owner"], auth: ["id"] }],
  ["@request.auth.team.members.id ?= author.id", { auth: ["team.members.id"], fields: ["author.id"] }],
  ["@request.headers.x_key:lower = 'k' && @request.headers.a.b = 1", { headers: ["x_key", "a"] }],
  ["@request.query.share:isset = true", { query: ["share"], fields: ["true"] }],
  ["@request.body.tags:each = 'a'", { body: ["tags:each"] }],
  ["@request.method = 'GET' || @request.context != 'expand'", { method: true, context: true }],
  ["@collection.flags:f.name ?= title", { collections: ["flags"], fields: ["title"] }],
  ["a_via_b.c = 1", { backRelations: ["a_via_b"], fields: ["a_via_b.c"] }],
  ["@request.auth.a_via_b.c = 1", { backRelations: ["a_via_b"], auth: ["a_via_b.c"] }],
  ["@collection.x.a_via_b:length > 1", { collections: ["x"], backRelations: ["a_via_b:length"] }],
  ["at < @now && day = @todayStart", { clock: ["@now", "@todayStart"], fields: ["at", "day"] }],
  ["strftime('%Y') = '2026'", { clock: ["strftime"] }],
  ["strftime('%Y', 'now') = '2026'", { clock: ["strftime"] }],
  ["strftime('%Y', ' NOW ', '-1 day') = '2026'", { clock: ["strftime"] }],
  ["strftime('%Y', '2026-01-02 03:04:05.678Z') = '2026'", {}],
  ["strftime('%Y', created) = '2026'", { fields: ["created"] }],
  ["strftime('%Y', @now) = '2026'", { clock: ["@now"] }],
  [
    "geoDistance(spot.lon, spot.lat, @request.query.lon, 2) < 3",
    { fields: ["spot.lon", "spot.lat"], query: ["lon"] },
  ],
  ["nope(secret) = 1", { unknown: ["nope"], fields: ["secret"] }],
  ["@request.ip = 1 || #x = 2", { unknown: ["@request.ip", "#x"] }],
];

for (const [rule, expected] of cases)
  test(`reads of ${rule}`, () => expect(shown(read(rule))).toEqual(expected));

test("reads of several expressions and of sort keys are joined", () => {
  expect(shown(read("a = 1", "b = @now"))).toEqual({ fields: ["a", "b"], clock: ["@now"] });
  expect(shown(readsOfNames(["title", "c_via_d.x", "@random"]))).toEqual({
    fields: ["title", "c_via_d.x"],
    backRelations: ["c_via_d"],
    unknown: ["@random"],
  });
});
