// Resumable uploads: the library's own client, crashes, quotas, and what other people's uploads are worth.
import { expect, test } from "bun:test";
import { Upload } from "tus-js-client";
import { loginCallers } from "../support/fixture/load.ts";
import { IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch } from "../support/scratch.ts";
import * as kit from "./tusKit.ts";
import { bytesOf, type Call, codeOf, metadata, spooled } from "./tusKit.ts";

const gateway = useGateway();

const asAda = (more: Partial<Call> = {}): Call => ({ token: gateway.tokens.ada, ...more });
const call = (url: string, method: string, more?: Partial<Call>) => kit.call(url, method, asAda(more));
const patch = (url: string, piece: readonly [number, Buffer], more?: Partial<Call>) =>
  kit.patch(url, piece, asAda(more));

const create = (
  length: number | string,
  meta: string,
  more: Partial<Call> & { readonly url?: string } = {},
): Promise<Response> =>
  call(`${more.url ?? gateway.hapta.url}/files/tus`, "POST", {
    ...more,
    headers: { "Upload-Length": String(length), "Upload-Metadata": meta, ...more.headers },
  });

const locationOf = (answer: Response): string => gateway.hapta.url + (answer.headers.get("location") ?? "");

const stored = (record: string): Promise<Buffer> => kit.stored(gateway.pocketbase.url, record);

test("tus-js-client uploads in pieces, and the file is in the record", async () => {
  const bytes = bytesOf(3_000_000);
  let calls = 0;
  await new Promise<void>((resolve, reject) => {
    new Upload(bytes, {
      endpoint: `${gateway.hapta.url}/files/tus`,
      chunkSize: 700_000,
      retryDelays: null,
      headers: { Authorization: gateway.tokens.ada },
      metadata: { collection: "notices", record: "notice000000002", field: "blob", filename: "big.bin" },
      onChunkComplete: () => calls++,
      onSuccess: () => resolve(),
      onError: reject,
    }).start();
  });
  expect([
    calls,
    Buffer.compare(await stored("notice000000002"), bytes),
    spooled(gateway.hapta.dataDir),
  ]).toEqual([5, 0, []]);
});

test("an upload outlives kill -9 in the middle", async () => {
  using data = createScratch("data");
  const start = () => startHapta(gateway.pocketbase, { env: { HAPTA_DATA_DIR: data.path } });
  const bytes = bytesOf(900_000);
  let path = "";
  let token = "";
  {
    await using first = await start();
    token = (await loginCallers(first.url)).ada;
    const begun = await create(bytes.length, metadata("notice000000003"), { url: first.url, token });
    path = begun.headers.get("location") ?? "";
    expect((await patch(first.url + path, [0, bytes.subarray(0, 400_000)], { token })).status).toBe(204);
    process.kill(first.child.pid, "SIGKILL");
    await first.child.exited;
  }
  await using second = await start();
  const offset = Number((await call(second.url + path, "HEAD", { token })).headers.get("upload-offset"));
  expect(offset).toBe(400_000);
  expect((await patch(second.url + path, [offset, bytes.subarray(offset)], { token })).status).toBe(204);
  expect(Buffer.compare(await stored("notice000000003"), bytes)).toBe(0);
  expect(spooled(data.path)).toEqual([]);
}, 60_000);

test("UP13 of several pieces for one offset, sent at once, one counts", async () => {
  const bytes = bytesOf(300_000);
  const url = locationOf(await create(bytes.length, metadata("notice000000004")));
  for (const [offset, count] of [
    [0, 2],
    [100_000, 10],
  ] as const) {
    const piece = bytes.subarray(offset, offset + 100_000);
    const all = await Promise.all(Array.from({ length: count }, () => patch(url, [offset, piece])));
    const others = Array.from({ length: count - 1 }, () => "409 upload_conflict");
    expect(all.map(codeOf).sort()).toEqual(["204 null", ...others]);
  }
  expect((await patch(url, [200_000, bytes.subarray(200_000)])).status).toBe(204);
  expect(Buffer.compare(await stored("notice000000004"), bytes)).toBe(0);
});

test("UP14 somebody else's upload is none", async () => {
  const url = locationOf(await create(10, metadata("notice000000005")));
  for (const method of ["HEAD", "DELETE"])
    expect((await call(url, method, { token: gateway.tokens.ben })).status).toBe(404);
  expect((await patch(url, [0, bytesOf(10)], { token: gateway.tokens.ben })).status).toBe(404);
  expect((await call(url, "HEAD", { token: "" })).status).toBe(401);
  expect((await call(url, "DELETE")).status).toBe(204);
  expect([(await call(url, "HEAD")).status, spooled(gateway.hapta.dataDir)]).toEqual([404, []]);
});

test("UP15 lengths, metadata and methods that make no sense", async () => {
  const good = metadata("notice000000005");
  expect(codeOf(await create("9000000000000000000", good))).toBe("400 upload_invalid");
  expect(codeOf(await create(9_000_000_000, good))).toBe("413 body_too_large");
  expect(codeOf(await create(8_000_001, good))).toBe("413 body_too_large");
  expect(codeOf(await create("-1", good))).toBe("400 upload_invalid");
  for (const meta of ["", "collection", "collection !!!", `${good},${good}`, "\u00ff"])
    expect(codeOf(await create(10, meta))).toBe("400 upload_invalid");
  for (const more of [
    { field: "title" },
    { collection: "nosuch" },
    { record: "nosuchrecord000" },
    { collection: "ledgers" },
  ])
    expect(codeOf(await create(10, metadata("notice000000005", more)))).toBe("404 not_found");
  expect(codeOf(await create(10, good, { token: "" }))).toBe("401 session_required");
  const override = { "X-HTTP-Method-Override": "PATCH" };
  expect((await create(10, good, { headers: override })).status).toBe(201);
  for (const id of ["../../data.db", "..%2f..%2fdata.db", "0".repeat(32)])
    expect([400, 404]).toContain((await call(`${gateway.hapta.url}/files/tus/${id}`, "HEAD")).status);
});

test("who may not change the record learns it at the end, and nothing stays", async () => {
  const before = spooled(gateway.hapta.dataDir).length;
  const meta = metadata(IDS.essay, { collection: "articles", field: "attachments" });
  const url = locationOf(await create(10, meta));
  expect(codeOf(await patch(url, [0, bytesOf(10)]))).toBe("400 upload_refused");
  expect([(await call(url, "HEAD")).status, spooled(gateway.hapta.dataDir).length]).toEqual([404, before]);
});

test("one user's unfinished uploads are bounded, also when they are begun at once", async () => {
  const begin = (): Promise<Response> =>
    create(10, metadata("notice000000006"), { token: gateway.tokens.ben });
  const answers = await Promise.all(Array.from({ length: 40 }, begin));
  const begun = answers.filter(({ status }) => status === 201);
  expect([begun.length, answers.filter((one) => codeOf(one) === "507 spool_full").length]).toEqual([20, 20]);
  for (const one of begun) await call(locationOf(one), "DELETE", { token: gateway.tokens.ben });
  expect((await begin()).status).toBe(201);
});

test("the protocol introduces itself, also to pages", async () => {
  const answer = await fetch(`${gateway.hapta.url}/files/tus`, {
    method: "OPTIONS",
    headers: { Origin: "https://app.example.com" },
  });
  expect([answer.status, answer.headers.get("tus-version")]).toEqual([204, "1.0.0"]);
  expect(answer.headers.get("tus-extension")).toBe(
    "creation,creation-with-upload,termination,expiration,checksum",
  );
  expect(answer.headers.get("tus-checksum-algorithm")).toBe("sha1,sha256,md5");
  expect(answer.headers.get("access-control-allow-headers")).toContain("Upload-Checksum");
  expect(answer.headers.get("access-control-allow-origin")).toBe("*");
});

test("/openapi.json describes it, with the headers that it answers", async () => {
  const description: unknown = await (await fetch(`${gateway.hapta.url}/openapi.json`)).json();
  const at = (...path: readonly string[]): unknown =>
    path.reduce((value, name) => Reflect.get(Object(value), name) as unknown, description);
  const described = (path: string, method: string, status: string): string[] =>
    Object.keys(Object(at("paths", path, method, "responses", status, "headers")));
  const made = await create(10, metadata("notice000000006"));
  const url = locationOf(made);
  const answers: readonly (readonly [path: string, method: string, status: string, answer: Response])[] = [
    ["/files/tus", "options", "204", await fetch(`${gateway.hapta.url}/files/tus`, { method: "OPTIONS" })],
    ["/files/tus", "post", "201", made],
    ["/files/tus/{id}", "head", "200", await call(url, "HEAD")],
    ["/files/tus/{id}", "patch", "204", await patch(url, [0, bytesOf(5)])],
    ["/files/tus/{id}", "delete", "204", await call(url, "DELETE")],
  ];
  for (const [path, method, status, answer] of answers) {
    expect([path, method, String(answer.status)]).toEqual([path, method, status]);
    // Only a creation that brings bytes says how many have arrived.
    const names = described(path, method, status).filter(
      (name) => method !== "post" || name !== "Upload-Offset",
    );
    for (const name of names) expect([method, name, answer.headers.has(name)]).toEqual([method, name, true]);
  }
});
