// Forms that Hapta refuses before they are whole: at the byte that proves it, in PocketBase's words, and only where no
// rule could have come first.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { RawClient } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { loginCallers, type World } from "../support/fixture/load.ts";
import { drawPng } from "../support/fixture/png.ts";
import { IDS } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";

const NOTICES = "/api/collections/notices/records";
const MEMBERS = "/api/collections/members/records";
const ARTICLES = "/api/collections/articles/records";
const MB = 1_000_000;

let pocketbase: PocketBase;
let hapta: Hapta;
let strict: Hapta;
let relaxed: Hapta;
let tokens: World["tokens"];
beforeAll(async () => {
  pocketbase = await startPocketBase();
  hapta = await startHapta(pocketbase);
  strict = await startHapta(pocketbase, { config: { Files: { Checks: "strict", MaxPixels: 1_000_000 } } });
  relaxed = await startHapta(pocketbase, { config: { Files: { Checks: "pocketbase", MaxPixels: 0 } } });
  tokens = await loginCallers(hapta.url);
}, 60_000);
afterAll(async () => {
  for (const one of [hapta, strict, relaxed, pocketbase]) await one[Symbol.asyncDispose]();
});

interface Sending {
  readonly method?: string;
  readonly path?: string;
  readonly token?: string;
  /** Of the whole body, as its head says. */
  readonly promised?: number | "chunked";
  /** What comes behind the files, besides the end. */
  readonly restBytes?: number;
  /** Files: the field's name, the first bytes, the file's name and type. */
  readonly files: readonly (readonly [field: string, bytes: string | Buffer, name?: string, type?: string])[];
}

const startOf = ({ files }: Sending): string =>
  files
    .map(([field, bytes, name = "a.bin", type]) => {
      const declared = type === undefined ? "" : `Content-Type: ${type}\r\n`;
      const head = `--BB\r\nContent-Disposition: form-data; name="${field}"; filename="${name}"\r\n${declared}\r\n`;
      return head + (typeof bytes === "string" ? bytes : bytes.toString("latin1"));
    })
    .join("\r\n");

/** Sends the beginning of a form, never its end. */
const begin = async (port: number, sending: Sending): Promise<RawClient> => {
  const { method = "POST", path = NOTICES, token, promised = 20 * MB } = sending;
  const client = await RawClient.open(port);
  const text = startOf(sending);
  const framing = promised === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${promised}`;
  const authorization = token === undefined ? "" : `Authorization: ${token}\r\n`;
  client.write(
    `${method} ${path} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=BB\r\n${authorization}${framing}\r\n\r\n`,
  );
  client.write(promised === "chunked" ? `${text.length.toString(16)}\r\n${text}\r\n` : text);
  return client;
};

/** The refusal that comes while the form is still under way. */
const refusal = async (sending: Sending, deadlineMs = 5_000): Promise<{ code: string; body: unknown }> => {
  using client = await begin(hapta.port, sending);
  await client.contains("}", deadlineMs);
  const { text } = client;
  const code = /x-hapta-error: (\w+)/i.exec(text)?.[1] ?? "none";
  return { code: `${client.statuses[0]} ${code}`, body: JSON.parse(text.slice(text.indexOf("{"))) };
};

const wordsOf = (body: unknown, field: string): string =>
  String(Reflect.get(Object(Reflect.get(Object(Reflect.get(Object(body), "data")), field)), "code"));

const END = "\r\n--BB--\r\n";

/** Whether PocketBase is who answers, once the form is whole. */
const isLeft = async (sending: Sending, port = hapta.port): Promise<boolean> => {
  const promised = startOf(sending).length + END.length + (sending.restBytes ?? 400_000);
  using client = await begin(port, { ...sending, promised });
  const head = '\r\n--BB\r\nContent-Disposition: form-data; name="nothing"\r\n\r\n';
  const rest = (sending.restBytes ?? 400_000) - head.length;
  client.write(`${head}${"x".repeat(rest)}${END}`);
  await client.contains("}", 5_000);
  return !/x-hapta-error/i.test(client.text);
};

test("a file is refused at the first byte over its limit, as PocketBase would", async () => {
  const file = Buffer.alloc(8 * MB + 1, "x");
  const { code, body } = await refusal({ files: [["blob", file, "Big (1).txt"]] });
  const form = new FormData();
  form.append("title", "whole");
  form.append("blob", new Blob([new Uint8Array(file)]), "Big (1).txt");
  const own: unknown = await (await fetch(pocketbase.url + NOTICES, { method: "POST", body: form })).json();
  expect([code, body]).toEqual(["400 record_invalid", own]);
  expect(await isLeft({ files: [["blob", file.subarray(1)]] })).toBe(true);
}, 120_000);

test("so is a file of a wrong type, and one file too many, also in a change", async () => {
  const html: Sending["files"][number] = ["avatar", "<html>", "a.png", "image/png"];
  const created = await refusal({ path: MEMBERS, files: [html] });
  expect([created.code, wordsOf(created.body, "avatar")]).toEqual([
    "400 record_invalid",
    "validation_invalid_mime_type",
  ]);
  const path = `${NOTICES}/notice000000001`;
  const files: Sending["files"] = ["blob", "blob+", "+blob", "blob"].map((name) => [name, "x"] as const);
  const changed = await refusal({ method: "PATCH", path, files });
  expect([wordsOf(changed.body, "blob"), Reflect.get(Object(changed.body), "message")]).toEqual([
    "validation_too_many_files",
    "Failed to update record.",
  ]);
  const second: Sending["files"][number] = ["avatar", Buffer.from(drawPng(2, 2)), "b.png"];
  expect((await refusal({ path: MEMBERS, files: [html, second] })).code).toBe("400 record_invalid");
  // Short forms are judged whole: nobody knows how long this one is.
  const long: Sending["files"][number] = ["avatar", "<html>".padEnd(70_000), "a.png"];
  const chunked = await refusal({ path: MEMBERS, promised: "chunked", files: [long] });
  expect(chunked.code).toBe("400 record_invalid");
});

test("a rule that lets everybody in who is signed in is no obstacle", async () => {
  const files: Sending["files"] = [["cover", "<html>", "a.png"]];
  // While the change feed is in doubt, PocketBase has to say whether she still is.
  const code = await eventually(
    async () => (await refusal({ path: ARTICLES, token: tokens.ada, files }, 1_000)).code,
    15_000,
  );
  expect(code).toBe("400 record_invalid");
});

test("where a rule or a missing record may come first, PocketBase answers", async () => {
  const cover: Sending["files"] = [["cover", "<html>", "a.png"]];
  const many: Sending["files"] = ["blob", "blob", "blob", "blob"].map((name) => [name, "x"] as const);
  const left: readonly Sending[] = [
    { path: ARTICLES, files: cover },
    { method: "PATCH", path: `${ARTICLES}/${IDS.essay}`, token: tokens.ada, files: cover },
    { method: "PATCH", path: `${NOTICES}/nosuchrecord000`, files: many },
    { files: [["cover", "x".repeat(1_000)]] },
    // Little is left to come: the whole answer is worth more.
    { files: many, restBytes: 200_000 },
  ];
  expect(await Promise.all(left.map((one) => isLeft(one)))).toEqual(left.map(() => true));
  expect(await isLeft({ path: MEMBERS, files: [["avatar", "<html>"]] }, relaxed.port)).toBe(true);
});

test("a limit that was raised a moment ago counts", async () => {
  const headers = { Authorization: pocketbase.world.tokens.superuser, "Content-Type": "application/json" };
  const field = (maxSize: number) => ({ id: "file1", name: "file", type: "file", maxSelect: 1, maxSize });
  const collection = { name: "quick", type: "base", createRule: "", fields: [field(10)] };
  const made = await fetch(`${hapta.url}/api/collections`, {
    method: "POST",
    headers: { ...headers, Authorization: tokens.superuser },
    body: JSON.stringify(collection),
  });
  expect(made.status).toBe(200);
  const form: Sending = { path: "/api/collections/quick/records", files: [["file", "x".repeat(50)]] };
  expect((await refusal(form)).code).toBe("400 record_invalid");
  await fetch(`${pocketbase.url}/api/collections/quick`, {
    method: "PATCH",
    headers,
    body: JSON.stringify({ fields: [field(100)] }),
  });
  expect(await isLeft(form)).toBe(true);
});

/** Sends a whole form with one file. */
const upload = async (port: number, [field, bytes, name = "a.bin", type]: Sending["files"][number]) => {
  const form = new FormData();
  form.append("title", "whole");
  const blob = new Blob([typeof bytes === "string" ? bytes : new Uint8Array(bytes)], { type: type ?? "" });
  form.append(field, blob, name);
  const answer = await fetch(`http://127.0.0.1:${port}${NOTICES}`, { method: "POST", body: form });
  const body: unknown = await answer.json();
  return `${answer.status} ${answer.headers.get("x-hapta-error")} ${wordsOf(body, "blob")}`;
};

const png = (width: number, height: number): Buffer => {
  const bytes = Buffer.from(drawPng(2, 2));
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
};
const jpeg = (width: number, height: number, notes = 0): Buffer => {
  const frame = Buffer.from([0xff, 0xc0, 0, 17, 8, 0, 0, 0, 0, 3, ...Array.from({ length: 40 }, () => 1)]);
  frame.writeUInt16BE(height, 5);
  frame.writeUInt16BE(width, 7);
  const note = Buffer.concat([Buffer.from([0xff, 0xe1, 0xfd, 0xe8]), Buffer.alloc(0xfde8 - 2, 7)]);
  return Buffer.concat([Buffer.from([0xff, 0xd8]), ...Array.from({ length: notes }, () => note), frame]);
};

test("UP2 pictures that stand for more pixels than anybody draws", async () => {
  const refused = "400 file_refused validation_picture_too_large";
  expect(await upload(hapta.port, ["blob", png(50_000, 50_000), "a.png"])).toBe(refused);
  for (const picture of [png(1_001, 1_000), jpeg(1_001, 1_000), jpeg(1_001, 1_000, 40)])
    expect(await upload(strict.port, ["blob", picture, "a.bin"])).toBe(refused);
  const gif = Buffer.from("GIF89a\xff\xff\xff\xff".padEnd(64, "\0"), "latin1");
  expect(await upload(strict.port, ["blob", gif])).toBe(refused);
  const webp = Buffer.from(
    "RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\xff\xff\0\xff\xff\0".padEnd(64, "\0"),
    "latin1",
  );
  expect(await upload(strict.port, ["blob", webp])).toBe(refused);
  for (const picture of [png(1_000, 1_000), jpeg(1_000, 1_000, 3), Buffer.from("GIF89a")])
    expect(await upload(strict.port, ["blob", picture, "a.bin"])).toStartWith("200 null");
  expect(await upload(relaxed.port, ["blob", png(50_000, 50_000), "a.png"])).toStartWith("200 null");
});

test("UP6 content, extension and declared type must agree where the operator says so", async () => {
  const wrong: Sending["files"] = [
    ["blob", "<html>", "a.png"],
    ["blob", "<html>", "a.bin", "image/png"],
    ["blob", " \ufeff<html>", "a.jpg", "image/jpeg"],
    ["blob", "<html>", "a.png.html", "image/png"],
    ["blob", Buffer.from(drawPng(2, 2)), "a.gif", "image/png"],
    ["blob", "%PD", "a.gif"],
  ];
  for (const file of wrong) {
    expect(await upload(strict.port, file)).toBe("400 file_refused validation_invalid_mime_type");
    expect(await upload(hapta.port, file)).toStartWith("200 null");
  }
  for (const file of [
    ["blob", Buffer.from(drawPng(2, 2)), "a.png", "image/png"],
    ["blob", "words", "a.txt", "text/plain"],
    ["blob", "", "a.png"],
  ] as const)
    expect(await upload(strict.port, file)).toStartWith("200 null");
});

test("UP1 archives are bytes, and encoded bodies are not taken", async () => {
  const bomb = Bun.gzipSync(Buffer.alloc(4 * MB));
  expect(await upload(hapta.port, ["blob", Buffer.from(bomb), "a.gz"])).toStartWith("200 null");
  const headers = { "Content-Encoding": "gzip", "Content-Type": "multipart/form-data; boundary=BB" };
  const encoded = await fetch(hapta.url + NOTICES, { method: "POST", headers, body: new Uint8Array(bomb) });
  expect([encoded.status, encoded.headers.get("x-hapta-error")]).toEqual([415, "body_encoded"]);
});
