// A disk that takes no more: no file of this Hapta may be larger than 1 or 2 MiB, which the system tells as a full disk is told.
import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { BIG_FILE_BYTES, bigBytes, IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";
import { bytesOf, call, codeOf, metadata, patch, spooled } from "./tusKit.ts";

// Blocks of 512 or 1024 bytes, as the shell likes it. The signal would end the process.
const UNDER = ["sh", "-c", 'trap "" XFSZ; ulimit -f 2048; exec "$@"', "sh"];

const gateway = useGateway({ under: UNDER });

test("a download that cannot be kept arrives whole, and leaves nothing", async () => {
  const url = `${gateway.hapta.url}/api/files/notices/${IDS.bigNotice}/${gateway.pocketbase.world.files.big}`;
  expect(BIG_FILE_BYTES).toBeGreaterThan(2_097_152);
  const whole = Buffer.from(bigBytes(BIG_FILE_BYTES));
  for (let i = 0; i < 3; i++) {
    const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
    expect(Buffer.compare(bytes, whole)).toBe(0);
    await eventually(() => readdirSync(join(gateway.hapta.dataDir, "files")).length === 0, 5_000);
  }
  await eventually(() => gateway.hapta.child.output().includes("kept files can't be written"), 5_000);
});

test("a resumable upload that finds no room hears so; what was taken counts, and it can be given up", async () => {
  const bytes = bytesOf(7_000_000);
  const headers = { "Upload-Length": String(bytes.length), "Upload-Metadata": metadata("notice000000001") };
  const begun = await call(`${gateway.hapta.url}/files/tus`, "POST", { token: gateway.tokens.ada, headers });
  const url = gateway.hapta.url + (begun.headers.get("location") ?? "");
  expect(codeOf(await patch(url, [0, bytes], { token: gateway.tokens.ada }))).toBe("507 spool_full");
  const head = await call(url, "HEAD", { token: gateway.tokens.ada });
  const offset = Number(head.headers.get("upload-offset"));
  expect(offset).toBeGreaterThan(0);
  expect(offset).toBeLessThan(bytes.length);
  const again = await patch(url, [offset, bytes.subarray(offset)], { token: gateway.tokens.ada });
  expect(codeOf(again)).toBe("507 spool_full");
  expect((await call(url, "DELETE", { token: gateway.tokens.ada })).status).toBe(204);
  expect(spooled(gateway.hapta.dataDir)).toEqual([]);
  // Everything else goes on.
  expect((await fetch(`${gateway.hapta.url}/hapta/ready`)).status).toBe(200);
});
