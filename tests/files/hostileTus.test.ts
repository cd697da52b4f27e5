// Resumable uploads from somebody who means harm: methods that the protocol does not have, and lengths that lie.
import { expect, test } from "bun:test";
import { useGateway } from "../support/gateway.ts";
import { bytesOf, type Call, call, codeOf, metadata, spooled } from "./tusKit.ts";

const gateway = useGateway({
  config: { Server: { MaxBodyBytes: 6_000_000 }, Files: { SpoolBytes: 40_000_000 } },
});

const create = (length: number, more: Partial<Call> = {}): Promise<Response> =>
  call(`${gateway.hapta.url}/files/tus`, "POST", {
    token: gateway.tokens.ada,
    ...more,
    headers: {
      "Upload-Length": String(length),
      "Upload-Metadata": metadata("notice000000001"),
      ...more.headers,
    },
  });
const begun = async (length: number): Promise<string> =>
  gateway.hapta.url + ((await create(length)).headers.get("location") ?? "");

test("UP10 an upload's own URL makes no further uploads, whose bytes nobody would count", async () => {
  const url = await begun(100);
  const before = spooled(gateway.hapta.dataDir);
  const more = {
    token: gateway.tokens.ada,
    headers: { "Upload-Length": "5000000", "Content-Type": "application/offset+octet-stream" },
    body: new Uint8Array(bytesOf(100_000)),
  };
  expect(codeOf(await call(url, "POST", more))).toBe("404 not_found");
  expect(spooled(gateway.hapta.dataDir)).toEqual(before);
  for (const method of ["GET", "PUT"])
    expect(codeOf(await call(url, method, { token: gateway.tokens.ada }))).toBe("404 not_found");
  expect((await call(url, "DELETE", { token: gateway.tokens.ada })).status).toBe(204);
});

test("UP15 lengths that come later, or again, or make one of many", async () => {
  const url = await begun(100);
  const type = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0" };
  for (const odd of [{ "Upload-Length": "5000000" }, { "Upload-Offset": "-1" }, { "Upload-Offset": "1e1" }]) {
    const headers = { ...type, ...odd };
    const answer = await call(url, "PATCH", { token: gateway.tokens.ada, headers, body: new Uint8Array(10) });
    expect([JSON.stringify(odd), Math.floor(answer.status / 100)]).toEqual([JSON.stringify(odd), 4]);
  }
  const tooMany = { headers: type, body: new Uint8Array(101) };
  expect((await call(url, "PATCH", { token: gateway.tokens.ada, ...tooMany })).status).toBe(413);
  const head = await call(url, "HEAD", { token: gateway.tokens.ada });
  expect([head.headers.get("upload-length"), head.headers.get("upload-offset")]).toEqual(["100", "0"]);
  for (const headers of [{ "Upload-Defer-Length": "1" }, { "Upload-Concat": "partial" }])
    expect((await create(100, { headers })).status).toBe(400);
  expect((await call(url, "DELETE", { token: gateway.tokens.ada })).status).toBe(204);
  expect(spooled(gateway.hapta.dataDir)).toEqual([]);
});

test("other versions and other content types are told so, as the protocol has it", async () => {
  const url = await begun(100);
  const token = gateway.tokens.ada;
  const type = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": "0" };
  const body = new Uint8Array(10);
  for (const version of ["0.2.2", "1.0.0, 1.0.0", ""]) {
    const headers = { ...type, "Tus-Resumable": version };
    for (const [method, answer] of [
      ["HEAD", await call(url, "HEAD", { token, headers: { "Tus-Resumable": version } })],
      ["PATCH", await call(url, "PATCH", { token, headers, body })],
      ["POST", await create(100, { headers: { "Tus-Resumable": version } })],
    ] as const)
      expect([method, codeOf(answer), answer.headers.get("tus-version")]).toEqual([
        method,
        "412 upload_version",
        "1.0.0",
      ]);
  }
  for (const wrong of ["application/octet-stream", "multipart/form-data; boundary=B", "text/plain"]) {
    const headers = { ...type, "Content-Type": wrong };
    expect(codeOf(await call(url, "PATCH", { token, headers, body }))).toBe("415 media_type_unsupported");
  }
  const head = await call(url, "HEAD", { token });
  expect([head.status, head.headers.get("upload-offset")]).toEqual([200, "0"]);
  expect((await call(url, "DELETE", { token })).status).toBe(204);
});

test("what could never be sent on is refused before its first byte", async () => {
  // The field takes 8 MB, a request of this Hapta less.
  expect(codeOf(await create(6_500_000))).toBe("413 body_too_large");
  expect(spooled(gateway.hapta.dataDir)).toEqual([]);
});

test("UP5 a name is a name, and says nothing about the form that it travels in", async () => {
  const bytes = bytesOf(10);
  const upload = async (filename: string): Promise<Response> => {
    const meta = metadata("notice000000002", { filename });
    const headers = { "Upload-Metadata": meta, "Content-Type": "application/offset+octet-stream" };
    return await create(bytes.length, { headers, body: new Uint8Array(bytes) });
  };
  const record = async (): Promise<{ readonly title: string; readonly blob: readonly string[] }> => {
    const answer = await fetch(`${gateway.pocketbase.url}/api/collections/notices/records/notice000000002`);
    return (await answer.json()) as { title: string; blob: string[] };
  };
  const { title } = await record();
  for (const filename of ['a"; name="title', '"\\"', "../../b.txt", "\u202egpj.txt"]) {
    expect([filename, (await upload(filename)).status]).toEqual([filename, 201]);
    const now = await record();
    expect([now.title, now.blob.length]).toEqual([title, 1]);
    expect(now.blob[0]).toMatch(/^[\w-][\w.-]*$/);
    const emptied = JSON.stringify({ "blob-": now.blob });
    const init = { method: "PATCH", headers: { "Content-Type": "application/json" }, body: emptied };
    const url = `${gateway.pocketbase.url}/api/collections/notices/records/notice000000002`;
    expect((await fetch(url, init)).status).toBe(200);
  }
  for (const filename of ["a\r\nX: y", "a\0b", ""])
    expect(codeOf(await upload(filename))).toBe("400 upload_invalid");
  expect(spooled(gateway.hapta.dataDir)).toEqual([]);
});

test("an upload of no bytes is whole at once, and leaves nothing", async () => {
  const meta = { "Upload-Metadata": metadata("notice000000004", { filename: "empty.txt" }) };
  expect((await create(0, { headers: meta })).status).toBe(201);
  const record = await fetch(`${gateway.pocketbase.url}/api/collections/notices/records/notice000000004`);
  expect(await record.json()).toMatchObject({ blob: [expect.stringMatching(/^empty_/)] });
  expect(spooled(gateway.hapta.dataDir)).toEqual([]);
});
