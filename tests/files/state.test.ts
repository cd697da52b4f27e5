// What an operator sees of files, and what stays behind when clients or PocketBase go away in mid-upload.
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { RawClient } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { loginCallers } from "../support/fixture/load.ts";
import { IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { bytesOf, call, codeOf, metadata, patch, spooled } from "./tusKit.ts";

const KEY = "the admin key of these tests";
const NOTICES = "/api/collections/notices/records";

const gateway = useGateway({ env: { HAPTA_ADMIN_KEY: KEY } });

interface State {
  readonly kept: Readonly<Record<string, number>>;
  readonly uploads: Readonly<Record<string, number>>;
  readonly resumable: { readonly items: readonly unknown[] };
}

const stateOf = async (): Promise<State> => {
  const answer = await fetch(`${gateway.hapta.url}/hapta/files`, {
    headers: { Authorization: `Bearer ${KEY}` },
  });
  expect(answer.status).toBe(200);
  return (await answer.json()) as State;
};

const begun = async (length: number, record: string): Promise<string> => {
  const headers = { "Upload-Length": String(length), "Upload-Metadata": metadata(record) };
  const answer = await call(`${gateway.hapta.url}/files/tus`, "POST", { token: gateway.tokens.ada, headers });
  return gateway.hapta.url + (answer.headers.get("location") ?? "");
};

test("the operator sees downloads, forms, and how far resumable uploads have come", async () => {
  const before = await stateOf();
  const notes = `${gateway.hapta.url}/api/files/articles/${IDS.news}/${gateway.pocketbase.world.files.notes}`;
  await eventually(async () => (await fetch(notes)).headers.get("cache-status") === "hapta; hit", 5_000);
  const form = new FormData();
  form.append("title", "seen");
  form.append("blob", new Blob(["x".repeat(1_000)]), "a.txt");
  expect((await fetch(gateway.hapta.url + NOTICES, { method: "POST", body: form })).status).toBe(200);
  const url = await begun(1_000, "notice000000001");
  await patch(url, [0, bytesOf(400)], { token: gateway.tokens.ada });
  const { kept, uploads, resumable } = await stateOf();
  expect([kept["files"], kept["hits"], uploads["underway"]]).toEqual([1, 1, 0]);
  expect(Number(uploads["whole"]) - Number(before.uploads["whole"])).toBe(1);
  expect(uploads["bytes"]).toBeGreaterThan(1_000);
  const place = { collection: "notices", record: "notice000000001", field: "blob", filename: "part.bin" };
  expect(resumable.items).toEqual([
    { ...place, owner: `pbc_members0001/${IDS.ada}`, size: 1_000, offset: 400 },
  ]);
  await call(url, "DELETE", { token: gateway.tokens.ada });
  expect((await fetch(`${gateway.hapta.url}/hapta/files`)).status).toBe(401);
});

const HEAD = `POST ${NOTICES} HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=BB\r\n`;
const PART = '--BB\r\nContent-Disposition: form-data; name="blob"; filename="a.txt"\r\n\r\n';
const storedDirs = (): number =>
  readdirSync(join(gateway.pocketbase.dir, "pb_data", "storage", "pbc_notices0001")).length;

test("UP10 200 clients that go away in mid-upload leave neither a file nor a place taken", async () => {
  const [stored, before] = [storedDirs(), await stateOf()];
  const isUnderway = (count: number) => async (): Promise<boolean> =>
    (await stateOf()).uploads["underway"] === count;
  for (let i = 0; i < 10; i++) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => RawClient.open(gateway.hapta.port)));
    for (const client of clients)
      client.write(`${HEAD}Content-Length: 1000000\r\n\r\n${PART}${"x".repeat(20_000)}`);
    await eventually(isUnderway(20), 10_000);
    for (const client of clients) client.socket.resetAndDestroy();
    await eventually(isUnderway(0), 10_000);
  }
  const { uploads } = await stateOf();
  expect(uploads["whole"]).toBe(Number(before.uploads["whole"]));
  expect(Number(uploads["broken"]) - Number(before.uploads["broken"])).toBe(200);
  expect([spooled(gateway.hapta.dataDir), storedDirs()]).toEqual([[], stored]);
  const form = new FormData();
  form.append("title", "afterwards");
  form.append("blob", new Blob(["x"]), "a.txt");
  expect((await fetch(gateway.hapta.url + NOTICES, { method: "POST", body: form })).status).toBe(200);
}, 120_000);

test("an upload that is whole waits for PocketBase to come back", async () => {
  const bytes = bytesOf(50_000);
  const upstream = await startPocketBase();
  await using gateway = await startHapta(upstream);
  const { ada: token } = await loginCallers(gateway.url);
  const headers = { "Upload-Length": String(bytes.length), "Upload-Metadata": metadata("notice000000003") };
  const made = await call(`${gateway.url}/files/tus`, "POST", { token, headers });
  const url = gateway.url + (made.headers.get("location") ?? "");
  await upstream.child[Symbol.asyncDispose]();
  expect(codeOf(await patch(url, [0, bytes], { token }))).toBe("502 upstream_unreachable");
  expect(spooled(gateway.dataDir)).toHaveLength(2);
  // Another start of the same app, where the last one was; it has another folder.
  await using again = await startPocketBase({ port: upstream.port });
  await eventually(async () => {
    const answer = await call(url, "HEAD", { token });
    await answer.text();
    return spooled(gateway.dataDir).length === 0;
  }, 15_000);
  const record: unknown = await (await fetch(`${again.url}${NOTICES}/notice000000003`)).json();
  expect(String(Reflect.get(Object(record), "blob"))).toContain("part_");
}, 60_000);
