// New records where a rule comes first, in forms, and in batches: what Hapta refuses, PocketBase refuses with the same
// whole answer.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import {
  allowBatches,
  type Call,
  expectAlike,
  expectSoonAlike,
  type Pair,
  startPair,
  type Told,
} from "./ask.ts";

setDefaultTimeout(60_000);

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
  await allowBatches(pair, true);
});
afterAll(() => pair[Symbol.asyncDispose]());

const recordsOf = (collection: string): string => `/api/collections/${collection}/records`;
const expectSame = (call: Call, code: string | undefined): Promise<Told> => expectAlike(pair, call, code);
const create = (collection: string, json: unknown, as: Call["as"] = "guest"): Call => ({
  as,
  method: "POST",
  path: recordsOf(collection),
  json,
});

const ADA = "memberada000001";
const BEN = "memberben000001";
/** Articles that ben may see, and may not. */
const SEEN = "articlenews0001";
const HIDDEN = "articledraft001";

describe("validate judges new records behind a create rule", () => {
  const wrong = { title: "x", kind: "nope" };

  test("that asks for a login only", async () => {
    await expectSame(create("articles", wrong), "record_invalid");
    const told = await expectSame(create("articles", wrong, "ada"), "record_invalid");
    expect(JSON.stringify(told.body)).toContain("validation_min_text_constraint");
    // Whom the rule denies hears of no field.
    expect((await pair.through(create("articles", wrong))).body).toHaveProperty("data", {});
  });

  test("that asks for a field of the new record", async () => {
    await expectSame(create("comments", { author: BEN, words: "" }, "ada"), "record_invalid");
    const own = await expectSame(create("comments", { author: ADA, words: "" }, "ada"), "record_invalid");
    expect(own.body).not.toHaveProperty("data", {});
    await expectSame(create("diaries", { owner: BEN }, "ada"), "record_invalid");
    await expectSame(create("diaries", { owner: ADA, entry: "x".repeat(5_001) }, "ada"), "record_invalid");
    await expectSame(create("comments", { author: "[]", words: "" }, "ada"), undefined);
    await expectSame(create("comments", { author: ADA, "author+": BEN, words: "" }, "ada"), undefined);
  });

  test("and with relations, where PocketBase shows the caller what they lead to", async () => {
    const comment = (article: string): Call =>
      create("comments", { author: BEN, article, words: "x".repeat(201) }, "ben");
    await expectSoonAlike(pair, comment(SEEN), "record_invalid");
    await expectSame(comment("nosucharticle01"), undefined);
    await expectSame(comment(HIDDEN), undefined);
    await expectSame(comment("../articles"), undefined);
    const article = (related: readonly string[]): Call => create("articles", { title: "x", related }, "ben");
    await expectSoonAlike(pair, article([SEEN]), "record_invalid");
    await expectSame(article([SEEN, HIDDEN]), undefined);
    await expectSame(article([SEEN, "a", "b", "c", "d"]), undefined);
    await expectSame(article([SEEN, "a", "b", "c", "d", "e"]), "record_invalid");
  });

  test("but leaves to PocketBase what else a rule may ask", async () => {
    await expectSame(create("gates", { pass: "forbidden", label: "x".repeat(5_001) }, "ada"), undefined);
    await expectSame(create("ledgers", {}, "ada"), undefined);
    await expectSame(create("articleStats", {}, "ada"), undefined);
  });
});

describe("validate judges new records in forms", () => {
  const form =
    (...fields: readonly [string, string | Blob][]) =>
    () => {
      const data = new FormData();
      for (const [name, value] of fields) data.append(name, value);
      return data;
    };
  const send = (make: Call["form"], code: string | undefined) =>
    expectSame(
      { method: "POST", path: recordsOf("notices"), ...(make === undefined ? {} : { form: make }) },
      code,
    );
  const file = (bytes: number) => new File(["x".repeat(bytes)], "a.txt");

  test("texts, payloads and files together", async () => {
    await send(form(["title", "x".repeat(61)], ["blob", file(500)]), "record_invalid");
    await send(form(["blob", file(500)], ["@jsonPayload", '{"title":"","tags":["nope"]}']), "record_invalid");
    const many = Array.from({ length: 4 }, (): [string, Blob] => ["blob", file(10)]);
    await send(form(["title", "a"], ...many), "record_invalid");
    await send(() => new URLSearchParams({ count: "1", tags: "nope" }), "record_invalid");
  });

  test("where a payload and a file have the same name, as PocketBase does", async () => {
    for (const blob of [[], "", null]) {
      const payload = JSON.stringify({ title: "a", blob });
      const told = await pair.through({
        method: "POST",
        path: recordsOf("notices"),
        form: form(["@jsonPayload", payload], ["blob", file(9)]),
      });
      expect([blob, told.status]).toEqual([blob, 200]);
    }
  });

  test("and lets pass what it does not know", async () => {
    // A file that is no field's, and one that is longer than what is read.
    await send(form(["title", file(10)]), undefined);
    await send(form(["title", ""], ["blob", file(70_000)]), undefined);
    await send(form(["title", ""], ["@jsonPayload", "{"]), undefined);
    const told = await pair.through({
      method: "POST",
      path: recordsOf("notices"),
      form: form(["title", "fine"], ["blob", file(9)]),
    });
    expect(told.status).toBe(200);
  });
});

describe("validate judges batches", () => {
  const good = { method: "POST", url: recordsOf("notices"), body: { title: "fine" } };
  const bad = { ...good, body: { tags: ["nope"] } };
  const batch = (...requests: readonly unknown[]): Call => ({
    method: "POST",
    path: "/api/batch",
    json: { requests },
  });

  test("with PocketBase's whole answer, at the first item that it would not take", async () => {
    await expectSame(batch(bad), "record_invalid");
    const told = await expectSame(batch(good, good, bad, bad), "record_invalid");
    expect(told.body).toHaveProperty(["data", "requests", "2", "code"], "batch_request_failed");
    await expectSame(
      { ...batch({ ...bad, url: `${recordsOf("comments")}?expand=x` }), as: "ada" },
      "record_invalid",
    );
  });

  test("but only where all items before are known", async () => {
    const change = { method: "PATCH", url: `${recordsOf("notices")}/nosuchrecord001`, body: {} };
    await expectSame(batch(change, bad), undefined);
    await expectSame(batch({ ...good, body: { title: "a", id: "notice000000001" } }, bad), undefined);
    await expectSame(batch({ ...good, body: { title: "a", member: "nosuchmember001" } }, bad), undefined);
    await expectSame(batch({ ...bad, method: "PUT", body: { id: "notice000000001", title: "" } }), undefined);
    await expectSame(batch({ ...bad, url: recordsOf("ledgers") }), undefined);
  });

  test("and not before PocketBase's own limits of batches", async () => {
    await allowBatches(pair, true, 1);
    await expectSame(batch(bad, good), undefined);
    await allowBatches(pair, false);
    await expectSame(batch(bad), undefined);
    await allowBatches(pair, true);
    await expectSame(batch(bad), "record_invalid");
  });
});
