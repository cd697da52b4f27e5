// What Hapta refuses itself: always with PocketBase's own whole answer, and never before an answer that comes first.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { damaged, filterOf, NAMES, sortOf } from "../rules/filterTexts.ts";
import { drawnBody } from "../schema/bodies.ts";
import { importJudged } from "../schema/judgeBodies.ts";
import { type Call, changeSchema, expectAlike, type Pair, plain, startPair, type Told } from "./ask.ts";

setDefaultTimeout(60_000);

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  await importJudged(pair.pb);
});
afterAll(() => pair[Symbol.asyncDispose]());

const NOTICES = "/api/collections/notices/records";
const list = (collection: string, query: Record<string, string>): string =>
  `/api/collections/${collection}/records?${new URLSearchParams(query)}`;

const expectSame = (call: Call, who: string | undefined): Promise<Told> => expectAlike(pair, call, who);

describe("validate refuses queries", () => {
  const messages: readonly [string, Call, string][] = [
    ["an open parenthesis", { path: list("notices", { filter: "title = (" }) }, "(At character 9.)"],
    [
      "an unknown field",
      { path: list("notices", { filter: "count > 1 && nope = 1" }) },
      "(At character 14.)",
    ],
    ["two operators", { path: list("notices", { filter: "title == 'a'" }) }, "(At character "],
    ["an unknown sort key", { path: list("notices", { sort: "-count,nope" }) }, "(At character 8.)"],
  ];
  for (const [name, call, place] of messages) {
    test(`${name}: PocketBase's answer, and where`, async () => {
      const { body } = await expectSame(call, "query_invalid");
      expect(JSON.stringify(body)).toContain(place);
    });
  }

  test("numbers that are none: PocketBase's answer", async () => {
    for (const query of ["page=x", "perPage=1.5", "skipTotal=yes", "page=1_0", "page=%201"])
      await expectSame({ path: `${NOTICES}?${query}` }, "query_invalid");
    for (const query of ["page=%2B1", "page=-3", "perPage=99999", "skipTotal=T", "page=", "page=1&page=x"])
      await expectSame({ path: `${NOTICES}?${query}&sort=id` }, undefined);
  });

  test("a superuser hears what is wrong with a name", async () => {
    const call: Call = { as: "superuser", path: list("notices", { filter: "nope = 1" }) };
    const { body } = await expectSame(call, "query_invalid");
    expect(JSON.stringify(body)).toContain("notices has no field nope");
  });

  test("nobody else can tell a hidden field, a closed collection and a missing field apart", async () => {
    const bodyOf = async (collection: string, filter: string): Promise<unknown> => {
      const { body } = await expectSame({ as: "ada", path: list(collection, { filter }) }, "query_invalid");
      return body;
    };
    const missing = await bodyOf("articles", "nosuch_thing = 1");
    expect(await bodyOf("articles", "draftNote = 1 || nope = 1")).toEqual(missing);
    expect(await bodyOf("members", "ledgers_via_x.line = 1")).toEqual(missing);
    expect(await bodyOf("members", "tokenKey = 'x'")).toEqual(missing);
  });

  test("answers that come first stay PocketBase's", async () => {
    await expectSame({ path: list("ledgers", { filter: "(" }) }, undefined);
    await expectSame({ path: list("nosuch", { filter: "(" }) }, undefined);
    await expectSame({ path: list("notices", { filter: "( @request.auth.id" }) }, undefined);
    await expectSame({ path: list("notices", { filter: "(", sort: "'@collection.x'" }) }, undefined);
    await expectSame({ as: "superuser", path: list("ledgers", { filter: "(" }) }, "query_invalid");
  });

  test("what it refuses, PocketBase refuses alike", async () => {
    const names = NAMES["notices"] ?? [];
    const filters = fc.oneof(filterOf(names), damaged(filterOf(names)));
    const queries = fc.oneof(
      filters.map((filter) => ({ filter })),
      sortOf(names).map((sort) => ({ sort })),
    );
    const drawn = fc.sample(
      queries.filter((one) => JSON.stringify(one).length < 2_000),
      { numRuns: 300, seed: Number(process.env["HAPTA_SEED"] ?? 20_261_122) },
    );
    for (const query of drawn) {
      const call: Call = {
        as: "ben",
        path: list("notices", { sort: "id", ...query, skipTotal: "1", fields: "id" }),
      };
      const through = await pair.through(call);
      const direct = await pair.direct(call);
      if (through.status !== 200) expect([query, plain(through)]).toEqual([query, plain(direct)]);
      else expect([query, direct.status]).toEqual([query, 200]);
    }
  });
});

describe("validate refuses new records", () => {
  test("with every error of PocketBase's answer", async () => {
    await expectSame({ method: "POST", path: NOTICES, json: {} }, "record_invalid");
    await expectSame({ method: "POST", path: NOTICES, json: "null" }, "record_invalid");
    const json = { title: "x".repeat(61), tags: ["nope"], extra: { a: 1 } };
    await expectSame({ method: "POST", path: NOTICES, json }, "record_invalid");
    await expectSame({ as: "superuser", method: "POST", path: NOTICES, json }, "record_invalid");
    await expectSame(
      {
        method: "POST",
        path: NOTICES.toUpperCase()
          .replace("/API/COLLECTIONS", "/api/collections")
          .replace("RECORDS", "records"),
        json: {},
      },
      "record_invalid",
    );
  });

  test("only where no rule comes first", async () => {
    await expectSame({ method: "POST", path: "/api/collections/ledgers/records", json: {} }, undefined);
    const denied = { method: "POST", path: "/api/collections/gates/records", json: { pass: "forbidden" } };
    await expectSame(denied, undefined);
    await expectSame({ method: "POST", path: "/api/collections/nosuch/records", json: {} }, undefined);
    await expectSame({ method: "POST", path: "/api/collections/articleStats/records", json: {} }, undefined);
    await expectSame({ method: "PATCH", path: `${NOTICES}/nosuchrecord001`, json: { title: "" } }, undefined);
    const change: Call = { method: "PATCH", path: `${NOTICES}/notice000000001`, json: { title: "" } };
    await expectSame(change, "record_invalid");
  });

  test("what it refuses, PocketBase refuses alike", async () => {
    const drawn = fc.sample(drawnBody, { numRuns: 250, seed: Number(process.env["HAPTA_SEED"] ?? 7) });
    let [refused, stopped] = [0, 0];
    for (const { collection, body } of drawn) {
      const path = `/api/collections/${collection}/records`;
      const call: Call = { method: "POST", path, json: body };
      const through = await pair.through(call);
      if (through.status === 400) refused++;
      if (through.code === undefined) continue;
      stopped++;
      const direct = await pair.direct(call);
      expect([call, through.code, plain(through)]).toEqual([call, "record_invalid", plain(direct)]);
    }
    expect(stopped / refused).toBeGreaterThan(0.5);
  });
});

describe("validate follows the schema", () => {
  test("a change made past Hapta counts for the very next refusal", async () => {
    const json = {
      name: "turns",
      type: "base",
      createRule: "",
      listRule: "",
      fields: [{ name: "a", type: "text", required: true }],
    };
    await changeSchema(pair, { method: "POST", path: "/api/collections", json });
    const path = "/api/collections/turns/records";
    const create: Call = { method: "POST", path, json: {} };
    const list400: Call = { path: `${path}?filter=b=1` };
    await expectSame(create, undefined).catch(() => undefined);
    for (const isRequired of [false, true, false]) {
      const fields = [
        { name: "a", type: "text", required: isRequired },
        { name: isRequired ? "b" : "c", type: "text" },
      ];
      await changeSchema(pair, { method: "PATCH", path: "/api/collections/turns", json: { fields } });
      const [made, listed] = [await pair.through(create), await pair.through(list400)];
      expect([isRequired, made.status, listed.status]).toEqual(
        isRequired ? [true, 400, 200] : [false, 200, 400],
      );
    }
    await changeSchema(pair, {
      method: "PATCH",
      path: "/api/collections/turns",
      json: { createRule: null, listRule: null },
    });
    expect((await pair.through(create)).status).toBe(403);
    expect((await pair.through(list400)).status).toBe(403);
  });
});
