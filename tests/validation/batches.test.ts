// Batches, in whatever they travel: what Hapta refuses, PocketBase refuses with the same whole answer, the official SDK's
// batches among them.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync } from "node:fs";
import PocketBase, { ClientResponseError } from "pocketbase";
import { binaryOf, type PocketBaseVersion } from "../support/pocketbase.ts";
import {
  allowBatches,
  type Call,
  changeSchema,
  expectAlike,
  expectSoonAlike,
  type Pair,
  startPair,
  type Told,
} from "./ask.ts";
import { type Item, type Travel, toBody } from "./batchForms.ts";

setDefaultTimeout(60_000);

const SCANS = {
  name: "scans",
  type: "base",
  createRule: "",
  fields: [{ name: "page", type: "file", required: true }],
};

const FORMS: readonly Travel[] = ["files first", "payload first"];
const TRAVELS: readonly Travel[] = ["json", ...FORMS];

const urlOf = (collection: string, record?: string): string =>
  `/api/collections/${collection}/records${record === undefined ? "" : `/${record}`}`;
const create = (body: Item["body"] = {}, files: Item["files"] = {}): Item => ({
  method: "POST",
  url: urlOf("notices"),
  body,
  files,
});
const good = create({ title: "fine" });
const bad = create({ tags: ["nope"] });
const batch = (items: readonly Item[], travel: Travel, as: Call["as"] = "guest"): Call => ({
  as,
  method: "POST",
  path: "/api/batch",
  ...toBody(items, travel),
});

// Where npm has no binary of a version (it has for Linux on x64), there is nothing to compare with.
for (const version of ["0.36", "0.39", "0.40"] as readonly PocketBaseVersion[])
  describe.skipIf(!existsSync(binaryOf(version)))(`validate and batches for PocketBase ${version}`, () => {
    let pair: Pair;
    beforeAll(async () => {
      pair = await startPair({}, version);
      await allowBatches(pair, true);
      await changeSchema(pair, { method: "POST", path: "/api/collections", json: SCANS });
    });
    afterAll(() => pair[Symbol.asyncDispose]());
    const alike = (items: readonly Item[], travel: Travel, code: string | undefined): Promise<Told> =>
      expectAlike(pair, batch(items, travel), code);

    for (const travel of TRAVELS) {
      test(`${travel}: the first item that PocketBase would not take is refused in its words`, async () => {
        await alike([bad], travel, "record_invalid");
        const told = await alike([good, good, bad, bad], travel, "record_invalid");
        expect(told.body).toMatchObject({
          data: { requests: { "2": { response: { data: { title: { code: "validation_required" } } } } } },
        });
      });

      test(`${travel}: an upsert without an id is a new record`, async () => {
        await alike([good, { ...bad, method: "PUT" }], travel, "record_invalid");
        const known = { ...bad, method: "PUT", body: { id: "notice000000001", tags: ["nope"] } };
        await alike([known], travel, undefined);
      });

      test(`${travel}: a change is judged where it comes first, or after what is surely stored`, async () => {
        const change = { method: "PATCH", url: urlOf("notices", "notice000000001"), body: { title: "" } };
        await expectSoonAlike(pair, batch([change], travel), "record_invalid");
        const told = await alike([good, change, bad], travel, "record_invalid");
        expect(told.body).toHaveProperty(
          ["data", "requests", "1", "response", "message"],
          "Failed to update record.",
        );
        await alike([{ ...change, url: urlOf("notices", "nosuchrecord001") }], travel, undefined);
        const own = { method: "PATCH", url: urlOf("articles", "articlenews0001"), body: { title: "x" } };
        await expectSoonAlike(pair, batch([own], travel, "ada"), "record_invalid");
        await expectAlike(pair, batch([own], travel, "ben"), undefined);
      });

      test(`${travel}: what can't be known before is PocketBase's`, async () => {
        const gone = { method: "DELETE", url: urlOf("notices", "nosuchrecord001"), body: {} };
        await alike([gone, bad], travel, undefined);
        await alike([{ ...good, url: urlOf("nosuch") }, bad], travel, undefined);
        await alike([{ ...bad, url: urlOf("ledgers") }], travel, undefined);
        await alike([create({ title: "a", member: "nosuchmember001" }), bad], travel, undefined);
      });
    }

    for (const travel of FORMS) {
      test(`${travel}: files count for the items they are for`, async () => {
        const four = create({ title: "a" }, { blob: [1, 2, 3, 4] });
        const told = await alike([good, four], travel, "record_invalid");
        expect(JSON.stringify(told.body)).toContain("validation_too_many_files");
        await alike([create({ title: "" }, { blob: [10] })], travel, "record_invalid");
        await alike([create({ title: "a" }, { blob: [10] }), bad], travel, "record_invalid");
        // A field without files makes of one what PocketBase says.
        await alike([create({}, { title: [10] })], travel, undefined);
        for (const blob of [[], "x.txt", null]) {
          const fine = await pair.through(batch([create({ title: "a", blob }, { blob: [7] })], travel));
          expect([blob, fine.status, JSON.stringify(fine.body).includes('.txt"]')]).toEqual([
            blob,
            200,
            true,
          ]);
        }
      });
    }

    test("a file that a record needs may come behind the payload", async () => {
      const scan = { ...create({}, { page: [3_000_000] }), url: urlOf("scans") };
      const told = await alike([{ ...scan, files: {} }, scan], "payload first", "record_invalid");
      expect(JSON.stringify(told.body)).toContain('"page":{"code":"validation_required"');
      for (const travel of FORMS)
        expect([travel, (await pair.through(batch([scan, scan], travel))).status]).toEqual([travel, 200]);
    });

    test("the SDK hears from Hapta what it hears from PocketBase", async () => {
      const failure = async (url: string): Promise<unknown> => {
        const one = new PocketBase(url).createBatch();
        one.collection("notices").create({ title: "first", blob: new File(["x"], "a.txt") });
        one.collection("notices").create({ title: "x".repeat(61), blob: [new File(["y"], "b.txt")] });
        const error: unknown = await one.send().catch((reason: unknown) => reason);
        if (!(error instanceof ClientResponseError)) throw new Error("nothing was refused");
        return { status: error.status, response: error.response };
      };
      expect(await failure(pair.hapta.url)).toEqual(await failure(pair.pb.url));
    });

    test("numbers that Go can't read make the whole batch PocketBase's", async () => {
      const item = `{"method":"POST","url":"${urlOf("notices")}","body":{"x":1e999}}`;
      const told = await expectAlike(
        pair,
        { method: "POST", path: "/api/batch", json: `{"requests":[${item}]}` },
        undefined,
      );
      expect(told.status).toBe(400);
    });

    test("PocketBase's own limits of batches come first", async () => {
      await allowBatches(pair, true, 1);
      for (const travel of TRAVELS) await alike([bad, good], travel, undefined);
      await allowBatches(pair, false);
      for (const travel of TRAVELS) await alike([bad], travel, undefined);
      await allowBatches(pair, true);
      for (const travel of TRAVELS) await alike([bad], travel, "record_invalid");
    });
  });
