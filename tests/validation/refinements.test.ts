// `Validation.Collections`: an operator's own rules count for every way a record can be written.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { encodeForm } from "../support/scenario.ts";
import { exchange } from "../support/wire.ts";
import { changeSchema, type Pair, startPair, type Told } from "./ask.ts";
import { toBody } from "./batchForms.ts";

setDefaultTimeout(60_000);

const NOTICES = "/api/collections/notices/records";
const NOTICE = `${NOTICES}/notice000000002`;

// The example of docs/validation.md, for a collection of the test app, and one for a collection that is not there yet.
const CONFIG = `
  Validation: {
    Collections: {
      notices: (z, base) =>
        base
          .extend({ count: z.number().max(100, "Must be 100 at most.").optional() })
          .refine((one) => !/casino/i.test(one.title ?? ""), { path: ["title"], message: "No advertising.", params: { code: "no_ads" } })
          .refine((one) => !("count+" in one), "count is set, never added to."),
      later: (z, base) => base.refine((one) => one.a === "good", { path: ["a"], message: "Must be good." }),
    },
  },`;

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ configText: CONFIG });
  const json = { batch: { enabled: true, maxRequests: 50, timeout: 60 } };
  await changeSchema(pair, { method: "PATCH", path: "/api/settings", json });
});
afterAll(() => pair[Symbol.asyncDispose]());

const ADS = { title: { code: "no_ads", message: "No advertising." } };
const refusedWith = ({ status, code, body }: Told): unknown => {
  expect([status, code]).toEqual([400, "record_invalid"]);
  return (body as { data: unknown }).data;
};

describe("validate applies refinements", () => {
  test("to creations and changes, in PocketBase's shape", async () => {
    const made = await pair.through({ method: "POST", path: NOTICES, json: { title: "Casino!" } });
    expect(made.body).toEqual({ data: ADS, message: "Failed to create record.", status: 400 });
    const changed = await pair.through({ method: "PATCH", path: NOTICE, json: { title: "my CASINO" } });
    expect(changed.body).toEqual({ data: ADS, message: "Failed to update record.", status: 400 });
    const fine = await pair.through({
      method: "PATCH",
      path: NOTICE,
      json: { title: "my garden", count: "99" },
    });
    expect(fine.status).toBe(200);
  });

  test("to values as PocketBase would store them", async () => {
    const told = await pair.through({ method: "POST", path: NOTICES, json: { title: "a", count: "101" } });
    expect(refusedWith(told)).toEqual({
      count: { code: "validation_invalid_value", message: "Must be 100 at most." },
    });
    const summed = await pair.through({
      method: "POST",
      path: NOTICES,
      json: { title: "a", count: 60, "count+": 1 },
    });
    expect(refusedWith(summed)).toHaveProperty("record");
  });

  test("to superusers, and to every spelling of the collection", async () => {
    for (const place of ["notices", "NOTICES", "pbc_notices0001", "notice%C5%BF"]) {
      const path = `/api/collections/${place}/records`;
      const told = await pair.through({ as: "superuser", method: "POST", path, json: { title: "casino" } });
      expect([place, refusedWith(told)]).toEqual([place, ADS]);
    }
  });

  test("to forms of both kinds, with files and payloads", async () => {
    const send = async (form: FormData | string, query = "") => {
      const { type, bytes } =
        typeof form === "string"
          ? { type: "application/x-www-form-urlencoded", bytes: form }
          : await encodeForm(form);
      const headers = [["Content-Type", type]] as const;
      return exchange(pair.hapta.url, { method: "POST", path: `${NOTICES}${query}`, headers, body: bytes });
    };
    const form = (...pairs: readonly [string, string | Blob][]): FormData => {
      const data = new FormData();
      for (const [name, value] of pairs) data.append(name, value);
      return data;
    };
    const file: [string, Blob] = ["blob", new File(["x".repeat(1_000)], "a.txt")];
    const bad = [
      await send(form(["title", "casino"], file)),
      await send(form(["title", "a"], file, ["@jsonPayload", '{"title":"casino"}'])),
      await send("title=cas%69no"),
      await send("count=101&title=a"),
      await send("count=1", "?title=casino"),
    ];
    expect(bad.map(({ status }) => status)).toEqual([400, 400, 400, 400, 400]);
    const good = await send(form(["title", "a garden"], file));
    expect([good.status, good.text.includes('"blob":["')]).toEqual([200, true]);
  });

  test("to batches, in the shape of a batch that fails", async () => {
    const requests = [
      { method: "POST", url: NOTICES, body: { title: "fine" } },
      { method: "PUT", url: NOTICES, body: { id: "notice000000003", title: "casino" } },
    ];
    const told = await pair.through({ method: "POST", path: "/api/batch", json: { requests } });
    expect([told.status, told.body]).toEqual([
      400,
      {
        data: {
          requests: {
            "1": {
              code: "batch_request_failed",
              message: "Batch request failed.",
              response: { data: ADS, message: "Failed to create record.", status: 400 },
            },
          },
        },
        message: "Batch transaction failed.",
        status: 400,
      },
    ]);
    const fine = await pair.through({
      method: "POST",
      path: "/api/batch",
      json: { requests: requests.slice(0, 1) },
    });
    expect(fine.status).toBe(200);
  });

  test("to batches in forms, wherever the payload stands", async () => {
    const items = [
      { method: "POST", url: NOTICES, body: { title: "fine" }, files: { blob: [10] } },
      { method: "POST", url: NOTICES, body: { title: "casino" } },
    ];
    const before = await pair.through({ path: `${NOTICES}?perPage=1` });
    for (const travel of ["files first", "payload first"] as const) {
      const call = { method: "POST", path: "/api/batch", ...toBody(items, travel) };
      expect(refusedWith(await pair.through(call))).toMatchObject({
        requests: { "1": { response: { data: ADS } } },
      });
      const fine = { ...call, ...toBody(items.slice(0, 1), travel) };
      expect((await pair.through(fine)).status).toBe(200);
    }
    const after = await pair.through({ path: `${NOTICES}?perPage=1` });
    const totalOf = ({ body }: Told): number => (body as { totalItems: number }).totalItems;
    expect(totalOf(after)).toBe(totalOf(before) + 2);
  });

  test("not before PocketBase's no to everybody", async () => {
    const change = (createRule: string | null) =>
      changeSchema(pair, { method: "PATCH", path: "/api/collections/notices", json: { createRule } });
    const create = () => pair.through({ method: "POST", path: NOTICES, json: { title: "casino" } });
    await change(null);
    await eventually(async () => (await create()).status === 403, 10_000);
    await change("");
    expect(refusedWith(await create())).toEqual(ADS);
  });

  test("to nothing that it could not read", async () => {
    const send = (body: string) =>
      exchange(pair.hapta.url, {
        method: "POST",
        path: NOTICES,
        headers: [["Content-Type", "application/json"]],
        body,
      });
    const bodies = ['{"title":"casino"}garbage', '{"title":"a","title":"casino"}', "[]"];
    for (const body of bodies) expect([body, (await send(body)).status]).toEqual([body, 400]);
    const padded = await send(`{"pad":"${"x".repeat(1_100_000)}","title":"casino"}`);
    expect(padded.status).toBe(413);
    const long = await send(`{"pad":"${"x".repeat(900_000)}","title":"casino"}`);
    expect(long.status).toBe(400);
    const xml = {
      method: "POST",
      path: NOTICES,
      headers: [["Content-Type", "text/xml"]] as const,
      body: "<a/>",
    };
    expect((await exchange(pair.hapta.url, xml)).status).toBe(415);
  });

  test("to a collection from its first moment on", async () => {
    const json = { name: "later", type: "base", createRule: "", fields: [{ name: "a", type: "text" }] };
    await changeSchema(pair, { method: "POST", path: "/api/collections", json });
    const path = "/api/collections/later/records";
    const told = await pair.through({ method: "POST", path, json: { a: "bad" } });
    expect(refusedWith(told)).toHaveProperty("a");
    expect((await pair.through({ method: "POST", path, json: {} })).status).toBe(400);
    expect((await pair.through({ method: "POST", path, json: { a: "good" } })).status).toBe(200);
  });
});
