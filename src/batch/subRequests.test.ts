// The JSON payload of a batch: what is written anew, and what is refused with which data.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Refusal } from "../errors.ts";
import { batchItemsOf } from "./batchItems.ts";
import { ITEMS_MAX, PAYLOAD_BYTES_MAX, rebuildBatchPayload } from "./subRequests.ts";

const URL = "/api/collections/cats/records";
const rebuild = (payload: unknown, isAdmin = false): string => {
  const text = typeof payload === "string" ? payload : JSON.stringify(payload);
  return Buffer.from(rebuildBatchPayload(Buffer.from(text), { isAdmin })).toString();
};
const one = (item: unknown, isAdmin = false): string => rebuild({ requests: [item] }, isAdmin);
const url = (text: string, isAdmin = false): string =>
  JSON.parse(one({ method: "POST", url: text }, isAdmin)).requests[0].url;
const refusal = (payload: unknown): Refusal => {
  try {
    rebuild(payload);
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error("nothing was refused");
};
const dataOf = (payload: unknown): unknown => refusal(payload).detail.data;
const headersOf = (headers: unknown): unknown =>
  JSON.parse(one({ method: "POST", url: URL, headers })).requests[0].headers;

describe("rebuildBatchPayload writes", () => {
  test("rebuildBatchPayload writes members in one order and drops unknown ones", () => {
    const item = `{"body":{"n":1.00,"s":"\\u0041"},"extra":1,"headers":{"X-A":"1"},"url":"${URL}","method":"POST"}`;
    expect(rebuild(`{"other":[1], "requests" : [ ${item} ]}`)).toBe(
      `{"requests":[{"method":"POST","url":"${URL}","headers":{"X-A":"1"},"body":{"n":1.00,"s":"\\u0041"}}]}`,
    );
  });

  test("rebuildBatchPayload reads member names as Go does", () => {
    expect(rebuild(`{"REQUE\u017fTS":[{"Method":"DELETE","uRL":"${URL}/a","Body":null}]}`)).toBe(
      `{"requests":[{"method":"DELETE","url":"${URL}/a","body":null}]}`,
    );
  });

  test("rebuildBatchPayload leaves to PocketBase what it refuses itself", () => {
    expect(rebuild({ requests: [] })).toBe('{"requests":[]}');
    expect(one({})).toBe('{"requests":[{"method":"","url":""}]}');
    expect(one({ method: null, url: null, headers: null })).toBe('{"requests":[{"method":"","url":""}]}');
    expect(one({ method: "GET", url: URL })).toBe(`{"requests":[{"method":"GET","url":"${URL}"}]}`);
    expect(one({ method: "PUT", url: `${URL}/id` })).toContain("/id");
  });

  const urls: readonly (readonly [string, string])[] = [
    [URL, URL],
    [`${URL}/abc`, `${URL}/abc`],
    [`${URL}?fields=id&x=a/b?c`, `${URL}?fields=id&x=a/b?c`],
    [`${URL}?`, `${URL}?`],
    [`${URL}?x=a b&y=é&z=%zz;`, `${URL}?x=a b&y=é&z=%zz;`],
    [`${URL}?fields=id#frag`, `${URL}?fields=id`],
    ["/api/collections/c%61ts/records/%7e%c3%a9", "/api/collections/cats/records/~%C3%A9"],
    ["/api/collections/pbc_123/records", "/api/collections/pbc_123/records"],
    ["/api/collections/no-such/records", "/api/collections/no-such/records"],
  ];
  for (const [from, to] of urls) test(`rebuildBatchPayload writes ${from}`, () => expect(url(from)).toBe(to));
});

describe("rebuildBatchPayload refuses URLs", () => {
  const noAction = [
    `http://127.0.0.1${URL}`,
    `//127.0.0.1${URL}`,
    `/${URL}`,
    URL.slice(1),
    `${URL}/`,
    `${URL}/a/b`,
    `${URL}#x`,
    `${URL}?x=\t`,
    `${URL}?x=\n`,
    `${URL}\n`,
    ` ${URL}`,
    `x${URL}`,
    "/api/./collections/cats/records",
    "/api/x/../collections/cats/records",
    "/API/collections/cats/records",
    "/api/collections/cats/Records",
    "/api/collections//records",
    "/api/collections/cats%2frecords",
    "/api/collections/cats/records/%2e%2e",
    "/api/collections/cats/records/a%00",
    "/api/collections/c\\ats/records",
    "/api/collections/cats;x/records",
    "/api/collections/_\u017fuperusers/records",
    "/api/collections/users/auth-with-password",
    "/api/collections/users/impersonate/a",
    "/api/collections/cats",
    "/api/collections",
    "/api/settings",
    "/api/batch",
    "/_/",
    "?x=1",
  ];
  for (const text of noAction) {
    test(`rebuildBatchPayload refuses the URL ${JSON.stringify(text)} as PocketBase does`, () => {
      const good = { method: "POST", url: URL };
      const refused = refusal({
        requests: [good, { method: "POST", url: text }, { method: "POST", url: text }],
      });
      expect(refused.code).toBe("batch_invalid");
      const response = {
        data: {},
        message: "Something went wrong while processing your request.",
        status: 400,
      };
      expect(refused.detail.data).toEqual({
        requests: { 1: { code: "batch_request_failed", message: "Batch request failed.", response } },
      });
    });
  }

  const superusers = ["_superusers", "_SuperUsers", "%5fsuperusers", "pbc_3142635823", "PBC_3142635823"];
  for (const name of superusers) {
    test(`rebuildBatchPayload keeps ${name} to admins`, () => {
      const path = `/api/collections/${name}/records`;
      const response = { data: {}, message: "Only superusers can perform this action.", status: 403 };
      expect(dataOf({ requests: [{ method: "POST", url: path }] })).toEqual({
        requests: { 0: { code: "batch_request_failed", message: "Batch request failed.", response } },
      });
      expect(url(path, true)).toEndWith("/records");
    });
  }

  test("rebuildBatchPayload finds no collection behind an escape, for admins neither", () => {
    const item = { method: "POST", url: "/api/collections/_%C5%BFuperusers/records" };
    const response = { data: {}, message: "Missing collection context.", status: 404 };
    expect(dataOf({ requests: [item] })).toEqual({
      requests: { 0: { code: "batch_request_failed", message: "Batch request failed.", response } },
    });
    expect(() => one(item, true)).toThrow(Refusal);
  });
});

describe("rebuildBatchPayload filters headers", () => {
  test("CN2 AP5 rebuildBatchPayload drops what a client may not say about itself", () => {
    const forged = {
      "X-Forwarded-For": "10.0.0.1",
      "x-real-ip": "1",
      "x-hapta-edge": "1",
      X_Hapta_Edge: "1",
      AuthOrization: "t",
      "Content-Length": "0",
      "CF-Connecting-IP": "1",
      "X.Forwarded.For": "1",
      "X--Real-IP": "1",
      "X-Real-IP-": "1",
      "-X-Real-IP": "1",
      "X Real IP": "1",
      "X!Hapta~Edge": "1",
      "x\u00a0real-ip": "1",
      "X-Forwarded-Fo\u017f": "1",
      "": "1",
    };
    expect(headersOf({ ...forged, "X-App": "ok", "Accept-Language": "de", nothing: null })).toEqual({
      "X-App": "ok",
      "Accept-Language": "de",
      nothing: null,
    });
    expect(headersOf(forged)).toBeUndefined();
  });

  const bad: readonly (readonly [string, unknown])[] = [
    ["a number", { a: 1 }],
    ["a list", { a: ["x"] }],
    ["a line end", { a: "x\r\ny" }],
    ["two spellings", { "x-a": "1", "X-A": "2" }],
    ["a list of headers", ["a"]],
    ["a string", "a: b"],
  ];
  for (const [what, headers] of bad) {
    test(`rebuildBatchPayload refuses headers with ${what}`, () => {
      expect(dataOf({ requests: [{ method: "POST", url: URL, headers }] })).toMatchObject({
        requests: { 0: { headers: { code: "validation_invalid_value" } } },
      });
    });
  }
});

describe("rebuildBatchPayload refuses payloads", () => {
  const unreadable: readonly (readonly [string, string])[] = [
    ["broken JSON", '{"requests":['],
    ["no bytes", ""],
    ["two values", '{"requests":[]}{}'],
    ["an array", "[]"],
    ["a string", '"x"'],
    ["CN3 a list twice", '{"requests":[],"requests":[]}'],
    ["CN3 a list twice after folding", '{"requests":[],"Requests":[]}'],
    ["CN3 a list twice by a long s", '{"requests":[],"reque\u017ft\u017f":[]}'],
    ["CN3 an item member twice", `{"requests":[{"method":"POST","url":"${URL}","url":"/x"}]}`],
    ["CN3 an item member twice after folding", `{"requests":[{"method":"POST","url":"${URL}","URL":"/x"}]}`],
    ["CN3 a body member twice", `{"requests":[{"method":"POST","url":"${URL}","body":{"a":1,"a":2}}]}`],
    ["an object for the list", '{"requests":{}}'],
    ["an item that is null", '{"requests":[null]}'],
    ["an item that is a list", '{"requests":[[]]}'],
  ];
  for (const [what, text] of unreadable) {
    test(`rebuildBatchPayload refuses ${what}`, () => expect(refusal(text).code).toBe("body_invalid"));
  }

  test("rebuildBatchPayload keeps members of a body apart by exact name only", () => {
    expect(one({ method: "POST", url: URL, body: { a: 1, A: 2 } })).toContain('{"a":1,"A":2}');
  });

  test("rebuildBatchPayload asks for the list as PocketBase does", () => {
    const blank = { requests: { code: "validation_required", message: "Cannot be blank." } };
    for (const payload of [{}, { requests: null }, "null"]) expect(dataOf(payload)).toEqual(blank);
  });

  test("rebuildBatchPayload lists every method it does not know, as PocketBase does", () => {
    const items = [{ method: "POST", url: URL }, { method: "HEAD", url: "/x" }, { method: "post" }];
    const method = { code: "validation_in_invalid", message: "Must be a valid value." };
    const blank = { code: "validation_required", message: "Cannot be blank." };
    expect(dataOf({ requests: items })).toEqual({ requests: { 1: { method }, 2: { method, url: blank } } });
  });

  const wrong: readonly (readonly [string, Record<string, unknown>])[] = [
    ["method", { method: 1, url: URL }],
    ["url", { method: "POST", url: 1 }],
    ["body", { method: "POST", url: URL, body: "x" }],
    ["body", { method: "POST", url: URL, body: [] }],
  ];
  for (const [member, item] of wrong) {
    test(`rebuildBatchPayload refuses ${JSON.stringify(item)}`, () => {
      expect(dataOf({ requests: [item] })).toMatchObject({
        requests: { 0: { [member]: { code: "validation_invalid_value" } } },
      });
    });
  }

  test("rebuildBatchPayload has its limits", () => {
    const items = (count: number) => ({ requests: Array.from({ length: count }, () => ({})) });
    expect(rebuild(items(ITEMS_MAX))).toStartWith('{"requests":[{');
    expect(dataOf(items(ITEMS_MAX + 1))).toMatchObject({ requests: { code: "validation_length_too_long" } });
    expect(() => rebuildBatchPayload(new Uint8Array(PAYLOAD_BYTES_MAX + 1), { isAdmin: true })).toThrow(
      "Request entity too large.",
    );
  });

  test("rebuildBatchPayload answers any JSON with a payload of its own or a Refusal, and is idempotent", () => {
    const item = fc.dictionary(
      fc.constantFrom("method", "URL", "url", "headers", "body", "bodY", "x"),
      fc.oneof(
        fc.constantFrom("POST", "GET", URL, `${URL}/a?b`, "/x", null, 1),
        fc.dictionary(fc.string(), fc.string()),
      ),
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.jsonValue(),
          fc.array(item).map((requests) => ({ requests })),
          fc.array(item).map((requests) => ({ reque\u017fts: requests })),
        ),
        (sent) => {
          let rebuilt: string;
          try {
            rebuilt = rebuild(JSON.stringify(sent));
          } catch (error) {
            expect(error).toBeInstanceOf(Refusal);
            return;
          }
          expect(rebuild(rebuilt)).toBe(rebuilt);
          // What is known of the items is what is sent.
          const payload = rebuildBatchPayload(Buffer.from(JSON.stringify(sent)), { isAdmin: false });
          expect(batchItemsOf(payload)).toEqual(batchItemsOf(Buffer.from(payload)));
        },
      ),
      { numRuns: 500 },
    );
  });
});
