// A disk that takes no more: no file of this Hapta may be larger than 1 or 2 MiB, which the system tells as a full disk is told.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { loginCallers, type World } from "../support/fixture/load.ts";
import { BIG_FILE_BYTES, bigBytes, IDS } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { bytesOf, call, codeOf, metadata, patch, spooled } from "./tusKit.ts";

// Blocks of 512 or 1024 bytes, as the shell likes it. The signal would end the process.
const UNDER = ["sh", "-c", 'trap "" XFSZ; ulimit -f 2048; exec "$@"', "sh"];

let pocketbase: PocketBase;
let hapta: Hapta;
let tokens: World["tokens"];
beforeAll(async () => {
  pocketbase = await startPocketBase();
  hapta = await startHapta(pocketbase, { under: UNDER });
  tokens = await loginCallers(hapta.url);
}, 60_000);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pocketbase[Symbol.asyncDispose]();
});

test("a download that cannot be kept arrives whole, and leaves nothing", async () => {
  const url = `${hapta.url}/api/files/notices/${IDS.bigNotice}/${pocketbase.world.files.big}`;
  expect(BIG_FILE_BYTES).toBeGreaterThan(2_097_152);
  const whole = Buffer.from(bigBytes(BIG_FILE_BYTES));
  for (let i = 0; i < 3; i++) {
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(Buffer.compare(bytes, whole)).toBe(0);
    await eventually(() => readdirSync(join(hapta.dataDir, "files")).length === 0, 5_000);
  }
  expect(hapta.child.output()).toContain("kept files can't be written");
});

test("a resumable upload that finds no room hears so; what was taken counts, and it can be given up", async () => {
  const bytes = bytesOf(7_000_000);
  const headers = { "Upload-Length": String(bytes.length), "Upload-Metadata": metadata("notice000000001") };
  const begun = await call(`${hapta.url}/files/tus`, "POST", { token: tokens.ada, headers });
  const url = hapta.url + (begun.headers.get("location") ?? "");
  expect(codeOf(await patch(url, [0, bytes], { token: tokens.ada }))).toBe("507 spool_full");
  const head = await call(url, "HEAD", { token: tokens.ada });
  const offset = Number(head.headers.get("upload-offset"));
  expect(offset).toBeGreaterThan(0);
  expect(offset).toBeLessThan(bytes.length);
  const again = await patch(url, [offset, bytes.subarray(offset)], { token: tokens.ada });
  expect(codeOf(again)).toBe("507 spool_full");
  expect((await call(url, "DELETE", { token: tokens.ada })).status).toBe(204);
  expect(spooled(hapta.dataDir)).toEqual([]);
  // Everything else goes on.
  expect((await fetch(`${hapta.url}/hapta/ready`)).status).toBe(200);
});
