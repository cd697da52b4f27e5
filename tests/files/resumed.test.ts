// Downloads that PocketBase breaks off: Hapta asks for the rest, as whoever began, and the client sees one file.
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { loginCallers, type World } from "../support/fixture/load.ts";
import { BIG_FILE_BYTES, bigBytes, IDS } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { type CuttingProxy, startCuttingProxy } from "./cuttingProxy.ts";

const CUT_BYTES = 1_000_000;
const SCAN_BYTES = 1_500_000;
const BYTES = Buffer.from(bigBytes(BIG_FILE_BYTES));

let pocketbase: PocketBase;
let proxy: CuttingProxy;
let hapta: Hapta;
let tokens: World["tokens"];
beforeAll(async () => {
  pocketbase = await startPocketBase();
  proxy = await startCuttingProxy(pocketbase.url);
  hapta = await startHapta(proxy);
  tokens = await loginCallers(hapta.url);
}, 60_000);
beforeEach(() => {
  proxy.bytesMax = CUT_BYTES;
  proxy.beforeCut = () => Promise.resolve();
  proxy.ranges.length = 0;
});
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
  await pocketbase[Symbol.asyncDispose]();
});

const member = (value: unknown, name: string): string => String(Reflect.get(Object(value), name));
const open = (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(hapta.url + path, { headers });
const bytesOf = async (answer: Response): Promise<Buffer> => Buffer.from(await answer.arrayBuffer());
/** "broken" when it does not come whole. */
const endOf = (answer: Response): Promise<Buffer | "broken"> =>
  bytesOf(answer).catch(() => "broken" as const);
const big = (): string => `/api/files/notices/${IDS.bigNotice}/${pocketbase.world.files.big}`;

/** A diary of Ada's with a large scan, and a URL for her. */
const addScan = async (): Promise<{ readonly id: string; readonly path: string }> => {
  const form = new FormData();
  form.set("owner", IDS.ada);
  form.append("scan", new Blob([bigBytes(SCAN_BYTES)]), "scan.bin");
  const headers = { Authorization: pocketbase.world.tokens.superuser };
  const url = `${pocketbase.url}/api/collections/diaries/records`;
  const saved: unknown = await (await fetch(url, { method: "POST", headers, body: form })).json();
  const id = member(saved, "id");
  return { id, path: `/api/files/diaries/${id}/${member(saved, "scan")}` };
};

const fileToken = async (token: string): Promise<string> => {
  const init = { method: "POST", headers: { Authorization: token } };
  return member(await (await fetch(`${hapta.url}/api/files/token`, init)).json(), "token");
};

test("a download that breaks off twice is one file, and is kept", async () => {
  const download = async (): Promise<void> =>
    expect((await bytesOf(await open(big()))).equals(BYTES)).toBe(true);
  await download();
  expect(proxy.ranges.slice(0, 1)).toEqual([""]);
  expect(proxy.ranges.slice(1)).toEqual(
    Array.from({ length: proxy.ranges.length - 1 }, () => expect.stringMatching(/^bytes=\d+-3000016$/)),
  );
  expect(proxy.ranges.length).toBeGreaterThan(2);
  // The first one is not kept where the feed took longer to come than the fixture.
  await eventually(async () => {
    if ((await open(big(), { Range: "bytes=0-0" })).headers.get("cache-status") === "hapta; hit") return true;
    await download();
    return false;
  }, 10_000);
});

test("a part, and a file for one, go on as well", async () => {
  const part = await open(`${big()}?download=1`, { Range: "bytes=1000-2999999" });
  expect([part.status, (await bytesOf(part)).equals(BYTES.subarray(1_000, 3_000_000))]).toEqual([206, true]);
  const { path } = await addScan();
  const scan = await open(`${path}?token=${await fileToken(tokens.ada)}`);
  expect([scan.status, (await bytesOf(scan)).equals(BYTES.subarray(0, SCAN_BYTES))]).toEqual([200, true]);
});

test("a signed URL goes on", async () => {
  const { id, path } = await addScan();
  const signed = await fetch(`${hapta.url}/files/sign`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: tokens.ada },
    body: JSON.stringify({ collection: "diaries", record: id, file: path.split("/").at(-1) }),
  });
  const file = await open(member(await signed.json(), "url"));
  expect((await bytesOf(file)).equals(BYTES.subarray(0, SCAN_BYTES))).toBe(true);
});

test("whose session has ended in between gets no more of it", async () => {
  const { path } = await addScan();
  const { ada } = await loginCallers(hapta.url);
  const url = `${path}?token=${await fileToken(ada)}`;
  proxy.beforeCut = () =>
    fetch(`${hapta.url}/auth/logout`, { method: "POST", headers: { Authorization: ada } });
  expect(await endOf(await open(url))).toBe("broken");
});

test("what was deleted in between does not go on", async () => {
  const { id, path } = await addScan();
  const url = `${path}?token=${await fileToken(tokens.ada)}`;
  proxy.beforeCut = () =>
    fetch(`${hapta.url}/api/collections/diaries/records/${id}`, {
      method: "DELETE",
      headers: { Authorization: tokens.ada },
    });
  expect(await endOf(await open(url))).toBe("broken");
});
