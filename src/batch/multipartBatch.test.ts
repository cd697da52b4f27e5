// A multipart batch on its way: order of parts, and what is refused before bytes have left.
import { describe, expect, test } from "bun:test";
import { Readable } from "node:stream";
import fc from "fast-check";
import {
  CHECKED,
  END,
  file,
  PAYLOAD,
  payload,
  readParts,
  reasonOf,
  rebuild,
  refusalOf,
  TYPE,
  text,
  URL,
} from "../../tests/support/batchKit.ts";

describe("rebuildMultipartBatch hands on", () => {
  test("rebuildMultipartBatch writes the checked payload first, then the files", async () => {
    const expected = [
      { name: "@jsonPayload", data: CHECKED },
      { name: "requests.0.file", filename: "a.txt", data: "1" },
      { name: "requests[0].file+", filename: 'b"c\\d', data: "" },
    ];
    const files = file("requests.0.file", "1") + file("requests[0].file+", "", 'b\\"c\\\\d');
    expect(await readParts(await rebuild(payload + files + END))).toEqual(expected);
    expect(await readParts(await rebuild(files + payload + END))).toEqual(expected);
  });

  test("rebuildMultipartBatch takes a boundary of its own", async () => {
    const batch = await rebuild(payload + END);
    expect(batch.contentType).toMatch(/^multipart\/form-data; boundary=hapta-[0-9a-f]{48}$/);
    batch.stream.resume();
  });

  test("rebuildMultipartBatch leaves out text that PocketBase ignores, empty file inputs too", async () => {
    const body =
      text("foo", "1") + payload + text("requests.0.name", "x") + file("requests.0.file", "", "") + END;
    expect((await readParts(await rebuild(body))).map(({ name }) => name)).toEqual(["@jsonPayload"]);
  });

  test("rebuildMultipartBatch gives the same parts however the body arrives", async () => {
    const body = Buffer.from(
      file("requests.0.a", "x".repeat(500)) + payload + file("requests.0.b", "y") + END,
    );
    const whole = await readParts(await rebuild(body.toString()));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(body.length), { maxLength: 12 }), async (cuts) => {
        const points = [...new Set([0, ...cuts, body.length])].sort((a, b) => a - b);
        const chunks = points.slice(1).map((to, index) => body.subarray(points[index], to));
        expect(await readParts(await rebuild(Readable.from(chunks, { objectMode: false })))).toEqual(whole);
      }),
      { numRuns: 60 },
    );
  });
});

describe("rebuildMultipartBatch refuses", () => {
  const doubled = '{"requests":[],"requests":[]}';
  const rows: readonly (readonly [string, string, string])[] = [
    ["CN3 a second payload", payload + payload + END, "twice"],
    ["CN3 a second payload around a file", payload + file("requests.0.f", "1") + payload + END, "twice"],
    ["CN3 a payload with duplicate keys", text("@jsonPayload", doubled) + END, "twice"],
    [
      "CN3 a payload with folded duplicates",
      text("@jsonPayload", '{"requests":[],"REQUESTS":[]}') + END,
      "twice",
    ],
    ["a payload with a filename", file("@jsonPayload", PAYLOAD) + END, "without a filename"],
    ["a payload that is not JSON", text("@jsonPayload", "{") + END, "not valid JSON"],
    ["a list beside the payload", payload + text("requests", "1") + END, "@jsonPayload"],
    ["a folded list beside the payload", text("Reque\u017fts", "1") + payload + END, "@jsonPayload"],
    ["UP7 a part inside a line", payload + text("x", `--BB\r\n\r\n${payload}`) + END, "boundary"],
    ["UP7 a part after the end", payload + END + payload + END, "final boundary"],
    ["a body without its end", payload, "final boundary"],
    [
      "a transfer encoding",
      payload.replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n") + END,
      "Encoding",
    ],
  ];
  for (const [what, body, reason] of rows) {
    test(`rebuildMultipartBatch refuses ${what}`, async () => {
      // A fault behind the payload may come before or after the promise has resolved.
      expect(await reasonOf(rebuild(body).then(readParts))).toContain(reason);
      const bytes = Array.from(Buffer.from(body), (byte) => Buffer.of(byte));
      expect(await reasonOf(rebuild(Readable.from(bytes, { objectMode: false })).then(readParts))).toContain(
        reason,
      );
    });
  }

  const names = ["file", "requests.00.f", "requests.-1.f", "requests.0", "requests.0.", "requests.0.a.b"];
  const more = [
    "requests[0][f]",
    "requests[0]f",
    "xrequests.0.f",
    "requests.0].f",
    "requests.99999.f",
    "requests.0.f\u2028",
  ];
  for (const name of [...names, ...more, "requests.0.a b", "REQUESTS.0.f", "requests.0.f-"]) {
    test(`rebuildMultipartBatch refuses a file named ${JSON.stringify(name)}`, async () => {
      expect(await refusalOf(rebuild(payload + file(name, "1") + END).then(readParts))).toMatchObject({
        code: "body_invalid",
      });
    });
  }

  test("rebuildMultipartBatch asks for the list as PocketBase does when there is no payload", async () => {
    for (const body of [END, file("requests.0.f", "1") + END]) {
      expect((await refusalOf(rebuild(body))).detail.data).toEqual({
        requests: { code: "validation_required", message: "Cannot be blank." },
      });
    }
  });

  test("CN2 rebuildMultipartBatch judges the items as a JSON batch", async () => {
    const forged = {
      method: "POST",
      url: URL,
      headers: { "X-Forwarded-For": "1", authorization: "t", "X-A": "1" },
    };
    const [first] = await readParts(
      await rebuild(text("@jsonPayload", JSON.stringify({ requests: [forged] })) + END),
    );
    expect(JSON.parse(first?.data ?? "").requests[0].headers).toEqual({ "X-A": "1" });
    const superusers = { requests: [{ method: "POST", url: "/api/collections/_superusers/records" }] };
    expect((await refusalOf(rebuild(text("@jsonPayload", JSON.stringify(superusers)) + END))).code).toBe(
      "batch_invalid",
    );
    const batch = await rebuild(text("@jsonPayload", JSON.stringify(superusers)) + END, { isAdmin: true });
    expect((await readParts(batch)).length).toBe(1);
  });

  test("rebuildMultipartBatch refuses a bad Content-Type", async () => {
    expect(await reasonOf(rebuild(payload + END, { contentType: `${TYPE}; boundary=CC` }))).toContain(
      "boundary",
    );
  });

  test("rebuildMultipartBatch bounds the payload", async () => {
    expect((await refusalOf(rebuild(payload + END, { payloadBytesMax: PAYLOAD.length - 1 }))).code).toBe(
      "body_too_large",
    );
    expect((await readParts(await rebuild(payload + END, { payloadBytesMax: PAYLOAD.length }))).length).toBe(
      1,
    );
  });

  test("rebuildMultipartBatch bounds what it keeps of files before the payload", async () => {
    const body = file("requests.0.f", "x".repeat(5_000)) + payload + END;
    const refused = await refusalOf(rebuild(body, { heldBytesMax: 5_000 }));
    expect(refused.code).toBe("body_too_large");
    expect(JSON.stringify(refused.detail.data)).toContain("send @jsonPayload first");
    expect((await readParts(await rebuild(body, { heldBytesMax: 6_000 }))).length).toBe(2);
    const after = payload + file("requests.0.f", "x".repeat(5_000)) + END;
    expect((await readParts(await rebuild(after, { heldBytesMax: 0 }))).length).toBe(2);
  });

  test("CN3 rebuildMultipartBatch refuses a payload after a file when nothing may be kept", async () => {
    const work = rebuild(file("requests.0.f", "1") + payload + END, { heldBytesMax: 0 });
    expect(await reasonOf(work)).toBe("The part @jsonPayload must come before the first file.");
  });
});
