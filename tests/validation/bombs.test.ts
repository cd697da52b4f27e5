// Bodies made to hurt: each gets a clear answer, costs little, and leaves Hapta as it was.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { readRecordBody } from "../../src/bodies/recordBody.ts";
import { Refusal } from "../../src/errors.ts";
import { exchange } from "../support/wire.ts";
import { type Pair, startPair } from "./ask.ts";

setDefaultTimeout(60_000);

const NOTICES = "/api/collections/notices/records";
/** The largest body that is read. */
const ROOM = 32_768;

const many = (count: number, one: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => one(index)).join();

const BOMBS: Readonly<Record<string, string | Uint8Array>> = {
  "65 levels": `{"title":"a","meta":${"[".repeat(65)}${"]".repeat(65)}}`,
  "60,000 levels": `{"title":"a","meta":${"[".repeat(60_000)}${"]".repeat(60_000)}}`,
  "a member twice": '{"title":"a","title":"b"}',
  "a member twice, once escaped": '{"title":"a","t\\u0069tle":"b"}',
  "a member twice inside": '{"title":"a","meta":{"x":1,"x":2}}',
  "invalid UTF-8": Buffer.concat([Buffer.from('{"title":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
  "a lone surrogate": '{"title":"\\ud800"}',
  NaN: '{"title":"a","count":NaN}',
  "1e999": '{"title":"a","count":1e999}',
  "a list": "[]",
  "half a body": '{"title":',
};

let pair: Pair;
beforeAll(async () => {
  pair = await startPair();
});
afterAll(() => pair[Symbol.asyncDispose]());

const send = (body: string | Uint8Array, type = "application/json", method = "POST") =>
  exchange(pair.hapta.url, { method, path: NOTICES, headers: [["Content-Type", type]], body });

describe("validate and bombs", () => {
  for (const [name, body] of Object.entries(BOMBS))
    test(`${name}: 400`, async () => expect((await send(body)).status).toBe(400));

  test("members named __proto__ and constructor are members like others", async () => {
    const answer = await send('{"title":"p","__proto__":{"title":"q"},"constructor":{"prototype":{"x":1}}}');
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('"title":"p"');
    expect(Object.hasOwn(Object.prototype, "title")).toBe(false);
  });

  test("a text of 10 MB flows on, and PocketBase refuses it", async () => {
    const answer = await send(`{"title":"${"x".repeat(10_000_000)}"}`);
    expect([answer.status, answer.text.includes("validation_max_text_constraint")]).toEqual([400, true]);
  });

  test("content types of other worlds: 400 from PocketBase", async () => {
    for (const type of ["text/plain", "application/xml", "Application/JSON", "application/merge-patch+json"])
      expect([type, (await send('{"title":"a"}', type)).status]).toEqual([type, 400]);
  });

  test("a body in chunks is judged as one in one piece is", async () => {
    const headers = [["Content-Type", "application/json"]] as const;
    const chunked = { method: "POST", path: NOTICES, headers, chunkBytes: 5 };
    const refused = await exchange(pair.hapta.url, { ...chunked, body: '{"tags":["red"]}' });
    expect([refused.status, refused.text.includes("validation_required")]).toEqual([400, true]);
    const made = await exchange(pair.hapta.url, { ...chunked, body: '{"title":"in chunks"}' });
    expect([made.status, made.text.includes('"in chunks"')]).toEqual([200, true]);
    const long = `{"title":"long","meta":"${"y".repeat(2 * ROOM)}"}`;
    const flowed = await exchange(pair.hapta.url, { ...chunked, chunkBytes: 50_000, body: long });
    expect([flowed.status, flowed.text.length > 2 * ROOM]).toEqual([200, true]);
  });

  test("the longest bodies that are read cost less than 5 ms of CPU each", () => {
    const bodies = [
      `[${"1,".repeat(ROOM / 2 - 2)}1]`,
      `{"a":[${"[],".repeat(ROOM / 3 - 10)}1]}`,
      `{${many(2_000, (index) => `"k${index}":1`)}}`,
      `{"a":"${"\\u0061".repeat(ROOM / 6 - 10)}"}`,
      ...Object.values(BOMBS).filter((one) => typeof one === "string" && one.length <= ROOM),
    ].map((text) => Buffer.from(text as string));
    for (const bytes of bodies) {
      expect(bytes.length).toBeLessThanOrEqual(ROOM);
      const costs = Array.from({ length: 40 }, () => cpuMsOf(bytes)).sort((a, b) => a - b);
      // The least of many: the first ones pay for compiling, and the machine may do other things meanwhile.
      expect([bytes.toString("utf8", 0, 20), (costs[0] ?? 0) < 5]).toEqual([
        bytes.toString("utf8", 0, 20),
        true,
      ]);
    }
  });
});

const cpuMsOf = (bytes: Uint8Array): number => {
  const before = process.cpuUsage();
  try {
    readRecordBody(bytes);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
};
