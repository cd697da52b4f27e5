// Resumable uploads under which something changes: the field, the rule, the record, the session, the settings. What was
// begun in time is judged as things are at its end, and nothing is acknowledged that is not in the record.
import { expect, test } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import { RawClient } from "../adversarial/rawClient.ts";
import { eventually } from "../support/eventually.ts";
import { loginCallers } from "../support/fixture/load.ts";
import { useGateway } from "../support/gateway.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch } from "../support/scratch.ts";
import { bytesOf, call, codeOf, metadata, patch, spooled } from "./tusKit.ts";

const BYTES = bytesOf(10);
const NOTICES = "/api/collections/pbc_notices0001";

const gateway = useGateway();

const begun = async (record: string, length = BYTES.length): Promise<string> => {
  const headers = { "Upload-Length": String(length), "Upload-Metadata": metadata(record) };
  const answer = await call(`${gateway.hapta.url}/files/tus`, "POST", { token: gateway.tokens.ada, headers });
  expect(answer.status).toBe(201);
  return gateway.hapta.url + (answer.headers.get("location") ?? "");
};
const finish = async (url: string): Promise<string> =>
  codeOf(await patch(url, [0, BYTES], { token: gateway.tokens.ada }));

/** As a superuser, past Hapta. */
const direct = async (path: string, method = "GET", body?: unknown): Promise<unknown> => {
  const { url, world } = gateway.pocketbase;
  const headers = { Authorization: world.tokens.superuser, "Content-Type": "application/json" };
  const answer = await fetch(url + path, { method, headers, body: JSON.stringify(body) ?? null });
  expect(answer.ok).toBe(true);
  return answer.status === 204 ? undefined : await answer.json();
};
const filesOf = async (record: string): Promise<unknown> =>
  Reflect.get(Object(await direct(`${NOTICES}/records/${record}`)), "blob");

/** Changes the collection past Hapta for as long as `run` takes. */
const during = async (change: (now: object) => object, run: () => Promise<void>): Promise<void> => {
  const before = Object(await direct(NOTICES));
  await direct(NOTICES, "PATCH", change(before));
  await run();
  await direct(NOTICES, "PATCH", { fields: before.fields, updateRule: before.updateRule });
};
const withBlob = (more: object) => (now: object) => ({
  fields: [Reflect.get(now, "fields")]
    .flat()
    .map((field) => (Reflect.get(field, "name") === "blob" ? { ...field, ...more } : field)),
});

const CHANGES: readonly (readonly [what: string, change: (now: object) => object, code: string])[] = [
  // PocketBase says 200 to a file for a hidden field, and drops it.
  ["a field that was hidden", withBlob({ hidden: true }), "404 not_found"],
  ["a field that was renamed", withBlob({ name: "bytes" }), "404 not_found"],
  ["a field that takes less", withBlob({ maxSize: 5 }), "400 upload_refused"],
  ["a field that takes other types", withBlob({ mimeTypes: ["image/png"] }), "400 upload_refused"],
  ["a collection that was closed", () => ({ updateRule: null }), "404 not_found"],
  ["a rule that lets others in", () => ({ updateRule: "id = 'nobody'" }), "400 upload_refused"],
];
for (const [what, change, code] of CHANGES)
  test(`an upload into ${what} is refused at its end, and leaves nothing`, async () => {
    const url = await begun("notice000000007");
    await during(change, async () => expect(await finish(url)).toBe(code));
    expect([await filesOf("notice000000007"), spooled(gateway.hapta.dataDir)]).toEqual([[], []]);
  });

test("an upload into a record that was deleted is refused at its end, and leaves nothing", async () => {
  const url = await begun("notice000000008");
  await direct(`${NOTICES}/records/notice000000008`, "DELETE");
  expect([await finish(url), spooled(gateway.hapta.dataDir)]).toEqual(["400 upload_refused", []]);
});

test("a session that ends in the middle of the last piece ends the upload's way into the record", async () => {
  const { ada } = await loginCallers(gateway.hapta.url);
  const url = await begun("notice000000009", 100_000);
  using client = await RawClient.open(gateway.hapta.port);
  client.write(
    `PATCH ${new URL(url).pathname} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nAuthorization: ${ada}\r\n` +
      `Content-Type: application/offset+octet-stream\r\nContent-Length: 100000\r\n\r\n${"x".repeat(50_000)}`,
  );
  const half = join(gateway.hapta.dataDir, "spool", url.slice(url.lastIndexOf("/") + 1));
  await eventually(() => statSync(half).size === 50_000, 5_000);
  const headers = { Authorization: ada };
  const logout = await fetch(`${gateway.hapta.url}/auth/logout`, { method: "POST", headers });
  expect(logout.status).toBe(204);
  client.write("x".repeat(50_000));
  await client.contains("session_required");
  expect([client.statuses, await filesOf("notice000000009")]).toEqual([[401], []]);
  // Her other session finds it whole.
  expect((await call(url, "HEAD", { token: gateway.tokens.ada })).status).toBe(200);
  expect([await filesOf("notice000000009"), spooled(gateway.hapta.dataDir)]).toEqual([
    [expect.stringMatching(/^part_/)],
    [],
  ]);
});

test("an upload that was begun before writes needed a proof does not go on without one", async () => {
  using data = createScratch("data");
  const env = { HAPTA_DATA_DIR: data.path };
  let path = "";
  let token = "";
  {
    await using first = await startHapta(gateway.pocketbase, { env });
    token = (await loginCallers(first.url)).ada;
    const headers = { "Upload-Length": "10", "Upload-Metadata": metadata("notice000000007") };
    const made = await call(`${first.url}/files/tus`, "POST", { token, headers });
    path = made.headers.get("location") ?? "";
  }
  const config = { Security: { Collections: { notices: { Write: { Session: true } } } } };
  await using second = await startHapta(gateway.pocketbase, { env, config });
  expect(codeOf(await patch(second.url + path, [0, BYTES], { token }))).toBe("403 write_denied");
  expect([await filesOf("notice000000007"), spooled(data.path)]).toEqual([[], []]);
}, 60_000);
