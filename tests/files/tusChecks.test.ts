// Resumable uploads where something goes wrong on the way: bytes that changed, a crash within a piece, clients that stall,
// and deliveries that end a login.
import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DetailedError, Upload } from "tus-js-client";
import { RawClient } from "../adversarial/rawClient.ts";
import { startFeedBlocker } from "../sessions/feedBlocker.ts";
import { eventually } from "../support/eventually.ts";
import { loginCallers } from "../support/fixture/load.ts";
import { drawPng } from "../support/fixture/png.ts";
import { IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch } from "../support/scratch.ts";
import { bytesOf, type Call, call, codeOf, metadata, patch, spooled, stored } from "./tusKit.ts";

const CONFIG = { Upstream: { IdleTimeout: 1 }, Files: { SpoolBytes: 4_000_000, MaxPixels: 1_000 } };
// As an app whose logins end with a new picture.
const HOOK = `onRecordUpdateRequest((e) => {
  if (e.findUploadedFiles("avatar").length > 0) e.record.refreshTokenKey();
  e.next();
}, "members");`;

const gateway = useGateway({
  config: CONFIG,
  prepare: (dir) => writeFileSync(join(dir, "pb_hooks", "avatars.pb.js"), HOOK),
});

interface Where {
  readonly url?: string;
  readonly token?: string;
  readonly headers?: Call["headers"];
  readonly body?: Buffer;
  readonly meta?: string;
}

const create = (length: number, where: Where = {}): Promise<Response> => {
  const {
    url = gateway.hapta.url,
    token = gateway.tokens.ada,
    headers,
    body,
    meta = metadata("notice000000001"),
  } = where;
  return call(`${url}/files/tus`, "POST", {
    token,
    headers: { "Upload-Length": String(length), "Upload-Metadata": meta, ...headers },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
};
const begun = async (length: number, where: Where = {}): Promise<string> => {
  const answer = await create(length, where);
  expect(answer.status).toBe(201);
  return (where.url ?? gateway.hapta.url) + (answer.headers.get("location") ?? "");
};

const sumOf = (algorithm: string, bytes: Buffer): { "Upload-Checksum": string } => ({
  "Upload-Checksum": `${algorithm} ${createHash(algorithm).update(bytes).digest("base64")}`,
});
const offsetOf = async (url: string, token = gateway.tokens.ada): Promise<number> =>
  Number((await call(url, "HEAD", { token })).headers.get("upload-offset"));

test("a piece that is not what its checksum says is gone, and may come again", async () => {
  const bytes = bytesOf(300_000);
  const url = await begun(bytes.length);
  const as = (headers: Call["headers"]): Call => ({ token: gateway.tokens.ada, headers: headers ?? {} });
  const first = bytes.subarray(0, 100_000);
  expect((await patch(url, [0, first], as(sumOf("sha1", first)))).status).toBe(204);
  const second = bytes.subarray(100_000, 200_000);
  expect(codeOf(await patch(url, [100_000, first], as(sumOf("sha256", second))))).toBe("460 upload_corrupt");
  expect(await offsetOf(url)).toBe(100_000);
  expect((await patch(url, [100_000, second], as(sumOf("sha256", second)))).status).toBe(204);
  const last = bytes.subarray(200_000);
  for (const odd of ["crc99 AAAA", "sha1", "sha1 !!!", "sha1 AAAA AAAA"])
    expect(codeOf(await patch(url, [200_000, last], as({ "Upload-Checksum": odd })))).toBe(
      "400 upload_invalid",
    );
  // The last piece would make the file whole: it must not be delivered before it is found right.
  expect(codeOf(await patch(url, [200_000, last], as(sumOf("md5", first))))).toBe("460 upload_corrupt");
  expect(await offsetOf(url)).toBe(200_000);
  expect((await patch(url, [200_000, last], as(sumOf("md5", last)))).status).toBe(204);
  expect(spooled(gateway.hapta.dataDir)).toEqual([]);
});

test("a piece that comes with the creation is checked, too, and leaves nothing when it is wrong", async () => {
  const bytes = bytesOf(10);
  const type = { "Content-Type": "application/offset+octet-stream" };
  const wrong = await create(20, { body: bytes, headers: { ...type, ...sumOf("sha1", bytesOf(9)) } });
  expect([codeOf(wrong), spooled(gateway.hapta.dataDir)]).toEqual(["460 upload_corrupt", []]);
  const right = await create(20, { body: bytes, headers: { ...type, ...sumOf("sha1", bytes) } });
  expect([right.status, right.headers.get("upload-offset")]).toEqual([201, "10"]);
  await call(gateway.hapta.url + (right.headers.get("location") ?? ""), "DELETE", {
    token: gateway.tokens.ada,
  });
});

/** Begins to send a piece and stops halfway. */
const stall = async (
  port: number,
  url: string,
  { token, more = "" }: { readonly token: string; readonly more?: string },
): Promise<RawClient> => {
  const client = await RawClient.open(port);
  const { pathname } = new URL(url);
  client.write(
    `PATCH ${pathname} HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nAuthorization: ${token}\r\n` +
      `Content-Type: application/offset+octet-stream\r\nContent-Length: 100000\r\n${more}\r\n`,
  );
  client.write("x".repeat(50_000));
  return client;
};
const sizeOf = (url: string, dataDir: string): number =>
  statSync(join(dataDir, "spool", url.slice(url.lastIndexOf("/") + 1))).size;

test("of a piece with a checksum, what came before kill -9 is gone; of any other it counts", async () => {
  using data = createScratch("data");
  const start = () => startHapta(gateway.pocketbase, { env: { HAPTA_DATA_DIR: data.path } });
  const urls: string[] = [];
  let token = "";
  {
    await using first = await start();
    token = (await loginCallers(first.url)).ada;
    for (const more of ["", "Upload-Checksum: sha1 AAAA\r\n"]) {
      const url = await begun(100_000, { url: first.url, token });
      using _client = await stall(first.port, url, { token, more });
      await eventually(() => sizeOf(url, data.path) === 50_000, 5_000);
      urls.push(new URL(url).pathname);
    }
    process.kill(first.child.pid, "SIGKILL");
    await first.child.exited;
  }
  await using second = await start();
  expect(await Promise.all(urls.map((path) => offsetOf(second.url + path, token)))).toEqual([50_000, 0]);
}, 60_000);

test("a client that stalls is let go; what it sent counts, and nobody waits for it", async () => {
  const url = await begun(100_000);
  using slow = await stall(gateway.hapta.port, url, { token: gateway.tokens.ada });
  using begins = await RawClient.open(gateway.hapta.port);
  begins.write(
    `POST /files/tus HTTP/1.1\r\nHost: a\r\nTus-Resumable: 1.0.0\r\nUpload-Length: 10\r\nAuthorization: ${gateway.tokens.ada}\r\n` +
      `Upload-Metadata: ${metadata("notice000000002")}\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: 10\r\n\r\nhalf`,
  );
  await eventually(() => spooled(gateway.hapta.dataDir).length >= 4, 5_000);
  const other = await create(10, { token: gateway.tokens.ben });
  expect([other.status, slow.receivedBytes, begins.receivedBytes]).toEqual([201, 0, 0]);
  await slow.contains("body_too_slow", 5_000);
  await begins.contains("body_too_slow", 5_000);
  expect(await offsetOf(url)).toBe(50_000);
  for (const [path, token] of [
    [url, gateway.tokens.ada],
    [gateway.hapta.url + (other.headers.get("location") ?? ""), gateway.tokens.ben],
  ] as const)
    await call(path, "DELETE", { token });
  await eventually(() => spooled(gateway.hapta.dataDir).length === 0, 5_000);
});

test("UP13 who goes on with an upload takes it from whoever was still sending", async () => {
  const mine = bytesOf(100_000);
  const url = await begun(mine.length);
  const spooledAt = join(gateway.hapta.dataDir, "spool", url.slice(url.lastIndexOf("/") + 1));
  using slow = await stall(gateway.hapta.port, url, { token: gateway.tokens.ada });
  await eventually(() => sizeOf(url, gateway.hapta.dataDir) === 50_000, 5_000);
  const first = readFileSync(spooledAt);
  const goesOn = await patch(url, [50_000, mine.subarray(50_000)], { token: gateway.tokens.ada });
  expect(goesOn.status).toBe(204);
  slow.write("y".repeat(50_000));
  await eventually(() => slow.receivedBytes > 0 || slow.ending !== "open", 5_000);
  expect(slow.statuses).not.toContain(204);
  expect(
    Buffer.compare(
      await stored(gateway.pocketbase.url, "notice000000001"),
      Buffer.concat([first, mine.subarray(50_000)]),
    ),
  ).toBe(0);
});

test("UP10 the spool has a bound, and one user a quarter of it", async () => {
  const url = await begun(900_000);
  expect(codeOf(await create(200_000))).toBe("507 spool_full");
  const bens = await begun(900_000, { token: gateway.tokens.ben });
  expect(codeOf(await create(200_000, { token: gateway.tokens.ben }))).toBe("507 spool_full");
  // What would have no room in an empty spool either is too large, now and later.
  expect(codeOf(await create(1_000_001))).toBe("413 body_too_large");
  await call(url, "DELETE", { token: gateway.tokens.ada });
  const again = await begun(100_000);
  await call(again, "DELETE", { token: gateway.tokens.ada });
  await call(bens, "DELETE", { token: gateway.tokens.ben });
});

test("UP10 tus-js-client is told that there is no room, and has it when another upload is given up", async () => {
  /** Uploads in pieces up to the end, or to the first of them. @returns what became of it. */
  const upload = (bytes: Buffer, record: string, pausesAfter = Number.POSITIVE_INFINITY) => {
    let tell: (how: string) => void;
    const outcome = new Promise<string>((resolve) => {
      tell = resolve;
    });
    const client: Upload = new Upload(bytes, {
      endpoint: `${gateway.hapta.url}/files/tus`,
      chunkSize: 300_000,
      retryDelays: null,
      headers: { Authorization: gateway.tokens.ada },
      metadata: { collection: "notices", record, field: "blob", filename: "big.bin" },
      onChunkComplete: (_, sent) => {
        if (sent < pausesAfter) return;
        void client.abort().then(() => tell("paused"));
      },
      onSuccess: () => tell("whole"),
      onError: (error) => {
        const answer = error instanceof DetailedError ? error.originalResponse : undefined;
        tell(`${answer?.getStatus()} ${answer?.getHeader("X-Hapta-Error")}`);
      },
    });
    client.start();
    return { client, outcome };
  };
  const first = upload(bytesOf(900_000), "notice000000002", 300_000);
  expect(await first.outcome).toBe("paused");
  const bytes = bytesOf(800_000);
  expect(await upload(bytes, "notice000000003").outcome).toBe("507 spool_full");
  await first.client.abort(true);
  expect(await upload(bytes, "notice000000003").outcome).toBe("whole");
  expect(Buffer.compare(await stored(gateway.pocketbase.url, "notice000000003"), bytes)).toBe(0);
  expect(spooled(gateway.hapta.dataDir)).toEqual([]);
});

test("UP2 a delivered picture may not stand for too many pixels either", async () => {
  const bytes = Buffer.from(drawPng(40, 40));
  const meta = metadata(IDS.ada, { collection: "members", field: "avatar", filename: "a.png" });
  const url = await begun(bytes.length, { meta });
  expect(codeOf(await patch(url, [0, bytes], { token: gateway.tokens.ada }))).toBe("400 file_refused");
  expect([
    (await call(url, "HEAD", { token: gateway.tokens.ada })).status,
    spooled(gateway.hapta.dataDir),
  ]).toEqual([404, []]);
});

test("nothing of an upload is readable to others on the machine", () => {
  expect(statSync(join(gateway.hapta.dataDir, "spool")).mode & 0o077).toBe(0);
});

// The last, because Ada's logins end with it.
test("a delivery that ends a login ends its session before it is acknowledged", async () => {
  const bytes = Buffer.from(drawPng(8, 8));
  const meta = metadata(IDS.ada, { collection: "members", field: "avatar", filename: "a.png" });
  // Nobody tells this Hapta what happens: it has to ask.
  await using relay = await startFeedBlocker(gateway.pocketbase.url);
  await using deaf = await startHapta(relay);
  const { ada } = await loginCallers(deaf.url);
  relay.block();
  const url = await begun(bytes.length, { url: deaf.url, token: ada, meta });
  expect((await patch(url, [0, bytes], { token: ada })).status).toBe(204);
  const verified = await fetch(`${deaf.url}/auth/verify`, { headers: { Authorization: ada } });
  expect(verified.status).toBe(401);
}, 60_000);
