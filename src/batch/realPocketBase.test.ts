// What Hapta writes and refuses, held against a real PocketBase that the test starts for itself.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { request } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import PocketBase, { ClientResponseError } from "pocketbase";
import { type BatchUpstream, startBatchUpstream } from "../../tests/support/batchUpstream.ts";
import { Refusal } from "../errors.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { rebuildBatchPayload } from "./subRequests.ts";

setDefaultTimeout(120_000);

const URL = "/api/collections/cats/records";

let upstream: BatchUpstream;
beforeAll(async () => {
  upstream = await startBatchUpstream();
});
afterAll(() => upstream[Symbol.asyncDispose]());

const post: BatchUpstream["post"] = (...call) => upstream.post(...call);

const awkward = [
  '"',
  "\\",
  "\\\\",
  '\\"',
  "%22",
  "%",
  ";",
  "=",
  ",",
  "[0]",
  "(",
  "a",
  " ",
  "é",
  "日",
  "😀",
  "?",
  ":",
  "@",
  "'",
  "`",
  "*",
];
const awkwardText = fc.string({ unit: fc.constantFrom(...awkward), minLength: 1, maxLength: 12 });

describe("Go reads", () => {
  test("Go reads names and filenames exactly as the writer was given them", async () => {
    const parts = fc.record({
      name: awkwardText,
      filename: awkwardText,
      data: fc.uint8Array({ maxLength: 50 }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(parts, { selector: ({ name }) => name, minLength: 1, maxLength: 20 }),
        async (list) => {
          const writer = multipartCodec.createWriter();
          const pieces = list.flatMap(({ data, ...info }) => [
            writer.partStart({ ...info, contentType: "text/x; a=b" }),
            data,
            writer.partEnd(),
          ]);
          const read = await upstream.echo(Buffer.concat([...pieces, writer.end()]), writer.contentType);
          const key = ({ name }: { name: string }): string => name;
          const expected = list.map(({ data, ...info }) => ({
            ...info,
            size: data.length,
            type: "text/x; a=b",
          }));
          expect(read.toSorted((a, b) => key(a).localeCompare(key(b)))).toEqual(
            expected.toSorted((a, b) => key(a).localeCompare(key(b))),
          );
        },
      ),
      { numRuns: 40 },
    );
  });

  test("Go reads the names that the parser reads, whatever the quoting", async () => {
    const quoted = fc.string({
      unit: fc.constantFrom(...awkward, "\\a", "\\;", "\\[", "/"),
      minLength: 1,
      maxLength: 10,
    });
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(quoted, quoted, async (name, filename) => {
        const raw = `--BB\r\nContent-Disposition: form-data; name="${name}"; filename="f${filename}"\r\n\r\nx\r\n--BB--\r\n`;
        let info: { name: string; filename?: string } | undefined;
        const sink = { data: () => undefined, partEnd: () => undefined, end: () => undefined };
        try {
          const parser = multipartCodec.createParser("BB", { ...sink, part: (part) => (info = part) });
          parser.push(Buffer.from(raw));
          parser.finish();
        } catch (error) {
          expect(multipartCodec.reasonOf(error)).toBeString();
          return;
        }
        accepted++;
        // Go cuts a filename down to what follows its last slash.
        const last = info?.filename?.replace(/\/+$/, "").split("/").at(-1) ?? "";
        const [read] = await upstream.echo(Buffer.from(raw), "multipart/form-data; boundary=BB");
        expect([read?.name, read?.filename]).toEqual([info?.name, last]);
      }),
      { numRuns: 150 },
    );
    expect(accepted).toBeGreaterThan(20);
  });
});

const good = { method: "POST", url: URL, body: { name: "a" } };
const same: readonly (readonly [string, unknown])[] = [
  ["HEAD", { method: "HEAD", url: URL }],
  ["a lower-case method", { method: "post", url: URL }],
  ["an unknown method without URL", { method: "X" }],
  ["an auth route", { method: "POST", url: "/api/collections/users/auth-with-password" }],
  ["settings", { method: "PATCH", url: "/api/settings" }],
  ["an absolute URL", { method: "POST", url: `http://127.0.0.1${URL}` }],
  ["no leading slash", { method: "POST", url: URL.slice(1) }],
  ["two slashes", { method: "POST", url: `/${URL}` }],
  ["a trailing slash", { method: "POST", url: `${URL}/` }],
  ["a dot segment", { method: "POST", url: `/api/.${URL.slice(4)}` }],
  ["a fragment", { method: "POST", url: `${URL}#x` }],
  ["a control character", { method: "POST", url: `${URL}?x=\t` }],
  ["too many segments", { method: "PATCH", url: `${URL}/a/b` }],
  ["superusers", { method: "POST", url: "/api/collections/_superusers/records", body: { email: "a@b.c" } }],
  ["superusers in capitals", { method: "POST", url: "/api/collections/_SUPERUSERS/records" }],
  ["an escaped long s", { method: "POST", url: "/api/collections/_%C5%BFuperusers/records" }],
];
const passed: readonly (readonly [string, unknown])[] = [
  ["GET", { method: "GET", url: URL }],
  ["no method", { url: URL }],
  ["no URL", { method: "POST" }],
  ["nothing", {}],
  ["POST with an id", { method: "POST", url: `${URL}/aaaaaaaaaaaaaaa` }],
  ["DELETE without an id", { method: "DELETE", url: URL }],
  ["an unknown collection", { method: "POST", url: "/api/collections/nope/records" }],
  ["a broken escape in the query", { method: "POST", url: `${URL}?x=%zz` }],
  ["a long URL", { method: "POST", url: `${URL}?x=${"a".repeat(3_000)}` }],
];
const capture = (payload: unknown): Refusal | Uint8Array => {
  try {
    return rebuildBatchPayload(Buffer.from(JSON.stringify(payload)), { isAdmin: false });
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
};

describe("PocketBase answers", () => {
  for (const [what, item] of same) {
    test(`PocketBase answers ${what} with the data of Hapta's refusal`, async () => {
      const refused = capture({ requests: [item] });
      if (!(refused instanceof Refusal)) throw new Error("nothing was refused");
      const { status, body } = await post("/api/batch", JSON.stringify({ requests: [item] }));
      expect([status, body["data"]]).toEqual([400, refused.detail.data]);
    });
  }
  for (const [what, item] of passed) {
    test(`PocketBase itself refuses ${what}, rebuilt or not`, async () => {
      const rebuilt = capture({ requests: [item] });
      if (rebuilt instanceof Refusal) throw rebuilt;
      const bare = await post("/api/batch", JSON.stringify({ requests: [item] }));
      expect(bare.status).toBe(400);
      expect(await post("/api/batch", Buffer.from(rebuilt))).toEqual(bare);
    });
  }

  test("PocketBase answers no list, and a list that is empty, as Hapta says", async () => {
    for (const payload of [{}, null, { requests: null }, { requests: [] }]) {
      const { body } = await post("/api/batch", JSON.stringify(payload));
      expect(body["data"]).toEqual({
        requests: { code: "validation_required", message: "Cannot be blank." },
      });
    }
  });

  test("AP5 PocketBase takes spellings of a header for one another, and Hapta lets none through", async () => {
    for (const name of [
      "X-Forwarded-For",
      "X.Forwarded.For",
      "X--Forwarded-For",
      "X Forwarded For",
      "X-Forwarded-For-",
    ]) {
      const item = {
        method: "POST",
        url: "/api/collections/gate/records",
        headers: { [name]: "1" },
        body: {},
      };
      const payload = JSON.stringify({ requests: [item] });
      expect([name, (await post("/api/batch", payload)).status]).toEqual([name, 200]);
      const rebuilt = rebuildBatchPayload(Buffer.from(payload), { isAdmin: false });
      expect([name, (await post("/api/batch", Buffer.from(rebuilt))).status]).toEqual([name, 400]);
    }
  });

  test("PocketBase accepts what Hapta rebuilds", async () => {
    const rebuilt = capture({
      requests: [good, { ...good, url: `${URL}?fields=name`, headers: { "X-A": "1" } }],
    });
    if (rebuilt instanceof Refusal) throw rebuilt;
    const { status, body } = await post("/api/batch", Buffer.from(rebuilt));
    expect([status, body]).toMatchObject([200, [{ status: 200 }, { status: 200, body: { name: "a" } }]]);
  });
});

const countCats = async (): Promise<number> =>
  Number((await upstream.json(`${URL}?perPage=1`)).body["totalItems"]);

describe("the official SDK", () => {
  test("the official SDK's batch with files works, although it sends the files first", async () => {
    const content = crypto.getRandomValues(new Uint8Array(65_536));
    const big = Buffer.concat(Array.from({ length: 48 }, () => content));
    const batch = new PocketBase(upstream.viaRelay).createBatch();
    batch.collection("cats").create({ name: "ünï", file: new File([big], 'big "1".bin') });
    batch.collection("cats").create({ file: [new File(["1"], "one.txt"), new File(["2"], "two.txt")] });
    const [first, second] = await batch.send();
    expect(first?.body).toMatchObject({ name: "ünï" });
    expect(second?.body.file.length).toBe(2);
    const path = `/api/files/cats/${first?.body.id}/${first?.body.file[0]}`;
    const stored = await (await fetch(upstream.base + path)).arrayBuffer();
    expect(Buffer.from(stored).equals(big)).toBe(true);
  });

  test("the official SDK's batch without files works, and reads a refusal like PocketBase's", async () => {
    const batch = new PocketBase(upstream.viaRelay).createBatch();
    batch.collection("cats").create({ name: "one" });
    expect((await batch.send())[0]?.status).toBe(200);
    const refused = new PocketBase(upstream.viaRelay).createBatch();
    refused.collection("_superusers").create({ email: "x@example.com" });
    const error = await refused.send().catch((reason: unknown) => reason);
    if (!(error instanceof ClientResponseError)) throw error;
    expect(error.response["data"].requests[0].response.status).toBe(403);
  });

  test("a batch that turns bad behind its payload leaves nothing behind", async () => {
    const before = await countCats();
    const head = '--BB\r\nContent-Disposition: form-data; name="';
    const payload = `${head}@jsonPayload"\r\n\r\n${JSON.stringify({ requests: [good] })}\r\n`;
    const file = `${head}requests.0.file"; filename="a"\r\n\r\n${"x".repeat(300_000)}\r\n`;
    const body = Readable.from(
      [payload, file, `${head}requests.0.file"; x="a"\r\n\r\n1\r\n--BB--\r\n`].map((s) => Buffer.from(s)),
    );
    const outgoing = request(`${upstream.viaRelay}/api/batch`, {
      method: "POST",
      headers: { "Content-Type": "multipart/form-data; boundary=BB" },
    });
    const answered = new Promise<number | undefined>((resolve) =>
      outgoing.once("response", (response) => resolve(response.resume().statusCode)),
    );
    await pipeline(body, outgoing);
    expect(await answered).toBe(400);
    await Bun.sleep(50);
    expect(await countCats()).toBe(before);
  });
});
