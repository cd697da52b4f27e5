// What a client is offered, and how variants come to be: on time, within the bound, one at a time.
import { expect, test } from "bun:test";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { eventually } from "../../tests/support/eventually.ts";
import { codingsFor } from "./codings.ts";
import { Encoder } from "./encoder.ts";
import { type Entry, toKept } from "./entry.ts";
import { EntryStore } from "./store.ts";
import { Versions } from "./versions.ts";

test.each([
  ["gzip, deflate, br, zstd", ["br", "gzip"]],
  ["gzip", ["gzip"]],
  ["x-gzip", ["gzip"]],
  ["GZIP;Q=1", ["gzip"]],
  ["br;q=0.5, gzip;q=0.8", ["gzip", "br"]],
  ["br;q=0, gzip", ["gzip"]],
  ["*", ["br", "gzip"]],
  ["*;q=0.1, br;q=0", ["gzip"]],
  ["identity;q=0, br", ["br"]],
  ["identity, br;q=0.5", []],
  ["identity;q=0.5, br;q=0.5, gzip;q=0.1", ["br"]],
  ["gzip;q=0.000", []],
  ["gzip;q=2", []],
  ["gzip;q=a", []],
  ["gzip;level=1;q=1", []],
  ["deflate", []],
  ["", []],
  [undefined, []],
])("%s asks for %j", (field, codings) => {
  expect<readonly string[]>(codingsFor(field)).toEqual(codings);
  expect<readonly string[]>(codingsFor(field)).toEqual(codings);
});

const text = (n: number): string => `{"items":["${`record ${n} `.repeat(400)}"]}`;

const setUp = (bytesMax = 1_000_000) => {
  const store = new EntryStore(bytesMax);
  const encoder = new Encoder(store, ["br", "gzip"]);
  const put = (key: string, body: Uint8Array, isEncodable = true): Entry => {
    const kept = toKept({ status: 200, headers: [], body }, body, { isEncodable });
    const lease = new Versions().lease([]);
    if (kept === undefined || lease === undefined) throw new Error("not kept");
    const entry = { ...kept, key, name: undefined, lease, storedMs: 0, hits: 0, isUsed: false };
    store.put(entry);
    return entry;
  };
  return { store, encoder, put };
};

/** Asks as often as it takes until the answer is encoded. */
const encoded = (encoder: Encoder, entry: Entry, coding: string) =>
  eventually(() => {
    entry.hits += 1;
    const given = encoder.choose(entry, coding);
    return given === entry ? undefined : given;
  }, 5_000);

test("variants hold the same text, have tags of their own, and count as memory", async () => {
  const { encoder, put, store } = setUp();
  const entry = put("a", Buffer.from(text(1)));
  const before = store.bytes;
  const br = await encoded(encoder, entry, "br");
  const gzip = await encoded(encoder, entry, "gzip");
  expect(brotliDecompressSync(br.body).toString()).toBe(text(1));
  expect(gunzipSync(gzip.body).toString()).toBe(text(1));
  expect(new Set([br.etag, gzip.etag, entry.etag]).size).toBe(3);
  expect(store.bytes - before).toBeGreaterThan(br.body.length + gzip.body.length);
  expect(encoder.choose(entry, undefined)).toBe(entry);
  store.delete("a");
  expect(store.bytes).toBe(0);
});

test("nothing is made at the first hit, for private answers, or where it saves nothing", async () => {
  const { encoder, put } = setUp();
  const once = put("once", Buffer.from(text(1)));
  once.hits = 1;
  encoder.choose(once, "br");
  expect(once.variants?.size).toBe(0);
  const own = put("own", Buffer.from(text(1)), false);
  own.hits = 9;
  expect(encoder.choose(own, "br")).toBe(own);
  expect(own.variants).toBeUndefined();
  const noise = put("noise", crypto.getRandomValues(new Uint8Array(4_000)));
  noise.hits = 9;
  encoder.choose(noise, "br");
  await encoded(encoder, put("other", Buffer.from(text(1))), "br");
  expect(encoder.choose(noise, "br")).toBe(noise);
});

test("an entry that is gone gets no variant, and the bound holds with variants", async () => {
  const bytesMax = 36_000;
  const { encoder, put, store } = setUp(bytesMax);
  const gone = put("gone", Buffer.from(text(1)));
  gone.hits = 9;
  encoder.choose(gone, "br");
  store.delete("gone");
  for (let i = 0; i < 12; i++)
    await encoded(encoder, put(`e${i}`, Buffer.from(text(i).slice(0, 2_400))), "br, gzip");
  expect(gone.variants?.get("br")).toBeUndefined();
  expect(store.bytes).toBeLessThanOrEqual(bytesMax);
  expect([...store.all()].reduce((sum, { body }) => sum + body.length, 0)).toBeLessThan(bytesMax);
});
