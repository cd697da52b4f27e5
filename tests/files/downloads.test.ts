// Kept downloads: the same bytes as PocketBase's, gone with the record, and never what only some may see.
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { loginCallers } from "../support/fixture/load.ts";
import { BIG_FILE_BYTES, bigBytes, IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { createScratch } from "../support/scratch.ts";

const NOTICES = "/api/collections/notices/records";
/** More than sockets take ahead at once. */
const LARGE_BYTES = 7_900_000;

const gateway = useGateway();

const open = (path: string, init?: RequestInit): Promise<Response> => fetch(gateway.hapta.url + path, init);
const statusOf = (answer: Response): string => answer.headers.get("cache-status") ?? "none";

/** Asks until the answer comes from the cache. */
const warm = async (path: string, init?: RequestInit): Promise<Response> => {
  let last: Response | undefined;
  await eventually(async () => {
    last = await open(path, init);
    return statusOf(last) === "hapta; hit";
  }, 10_000);
  if (last === undefined) throw new Error("nothing was answered");
  return last;
};

const addNotice = async (text: string): Promise<{ id: string; path: string }> => {
  const form = new FormData();
  form.set("title", "kept");
  form.append("blob", new Blob([text]), "kept.txt");
  const saved: unknown = await (await open(NOTICES, { method: "POST", body: form })).json();
  const id = String(Reflect.get(Object(saved), "id"));
  return { id, path: `/api/files/notices/${id}/${String(Reflect.get(Object(saved), "blob"))}` };
};

const notes = (): string => `/api/files/articles/${IDS.news}/${gateway.pocketbase.world.files.notes}`;
const big = (): string => `/api/files/notices/${IDS.bigNotice}/${gateway.pocketbase.world.files.big}`;

describe("kept downloads", () => {
  test("a kept file is the one that PocketBase sends, headers and all", async () => {
    const direct = await fetch(gateway.pocketbase.url + notes());
    const kept = await warm(notes());
    const headersOf = (answer: Response) => {
      const headers = Object.fromEntries(answer.headers);
      for (const name of ["date", "etag", "cache-status", "x-request-id"]) delete headers[name];
      return headers;
    };
    expect(headersOf(kept)).toEqual(headersOf(direct));
    expect(kept.headers.get("etag")).toMatch(/^"[\w-]{24}"$/);
    expect(await kept.text()).toBe(await direct.text());
  });

  test("a large file comes from disk, whole and in parts", async () => {
    const whole = Buffer.from(bigBytes(BIG_FILE_BYTES));
    expect(Buffer.compare(Buffer.from(await (await open(big())).arrayBuffer()), whole)).toBe(0);
    const kept = await warm(big());
    expect(Buffer.compare(Buffer.from(await kept.arrayBuffer()), whole)).toBe(0);
    const part = await warm(big(), { headers: { Range: "bytes=1000000-2999999" } });
    expect([part.status, part.headers.get("content-range")]).toEqual([
      206,
      `bytes 1000000-2999999/${whole.length}`,
    ]);
    expect(Buffer.compare(Buffer.from(await part.arrayBuffer()), whole.subarray(1_000_000, 3_000_000))).toBe(
      0,
    );
  });

  test("HEAD, conditions and pages of other origins are answered from what is kept", async () => {
    const etag = (await warm(notes())).headers.get("etag") ?? "";
    const head = await open(notes(), { method: "HEAD" });
    expect([statusOf(head), head.headers.get("content-length")]).toEqual(["hapta; hit", "36"]);
    const same = await open(notes(), { headers: { "If-None-Match": etag } });
    expect([same.status, same.headers.get("content-type")]).toEqual([304, null]);
    const page = await warm(notes(), { headers: { Origin: "https://app.example.com" } });
    expect(page.headers.get("access-control-allow-origin")).toBe("*");
    expect((await open(notes())).headers.get("access-control-allow-origin")).toBeNull();
  });

  test("UP16 sizes that are no thumbs are one entry", async () => {
    const cover = `/api/files/articles/${IDS.news}/${gateway.pocketbase.world.files.cover}`;
    const original = await (await warm(cover)).arrayBuffer();
    for (const size of ["9999x9999", "1x1", "41x30"]) {
      const answer = await open(`${cover}?thumb=${size}`);
      expect([statusOf(answer), (await answer.arrayBuffer()).byteLength]).toEqual([
        "hapta; hit",
        original.byteLength,
      ]);
    }
    for (let i = 0; i < 1_000; i++) {
      const answer = await open(`${cover}?thumb=${i + 2_000}x9999`, { method: "HEAD" });
      expect([answer.status, statusOf(answer)]).toEqual([200, "hapta; hit"]);
    }
    const thumb = await warm(`${cover}?thumb=40x30`);
    expect(thumb.headers.get("content-disposition")).toContain("40x30_");
  });

  test("a file that was replaced or deleted through Hapta is gone with the answer", async () => {
    const { id, path } = await addNotice("one");
    await warm(path);
    const form = new FormData();
    form.append("blob", new Blob(["two"]), "next.txt");
    expect((await open(`${NOTICES}/${id}`, { method: "PATCH", body: form })).status).toBe(200);
    expect((await open(path)).status).toBe(404);
    const other = await addNotice("three");
    await warm(other.path);
    expect((await open(`${NOTICES}/${other.id}`, { method: "DELETE" })).status).toBe(204);
    expect((await open(other.path)).status).toBe(404);
  });

  test("a file that was deleted past Hapta is gone soon", async () => {
    const { id, path } = await addNotice("one");
    await warm(path);
    await fetch(`${gateway.pocketbase.url}${NOTICES}/${id}`, { method: "DELETE" });
    await eventually(async () => (await open(path)).status === 404, 2_000);
  });

  test("a file belongs to its record: writes to others leave it alone", async () => {
    // Nothing is written about it before: what the feed tells of a write may come late.
    const stays = `/api/files/notices/${IDS.bigNotice}/${gateway.pocketbase.world.files.svg}`;
    const goes = await addNotice("goes");
    await warm(stays);
    await warm(goes.path);
    const untouched = async (): Promise<string> => statusOf(await open(stays));
    await addNotice("a third");
    expect(await untouched()).toBe("hapta; hit");
    const body = JSON.stringify({ title: "changed" });
    const init = { method: "PATCH", headers: { "Content-Type": "application/json" }, body };
    expect((await open(`${NOTICES}/${goes.id}`, init)).status).toBe(200);
    expect(await untouched()).toBe("hapta; hit");
    await fetch(`${gateway.pocketbase.url}${NOTICES}/${goes.id}`, { method: "DELETE" });
    await eventually(async () => (await open(goes.path)).status === 404, 5_000);
    expect(await untouched()).toBe("hapta; hit");
    // A change of its own record costs a question, not the bytes.
    expect((await open(`${NOTICES}/${IDS.bigNotice}`, init)).status).toBe(200);
    expect(await untouched()).not.toBe("hapta; hit");
    await eventually(async () => (await untouched()).startsWith("hapta; hit"), 5_000);
  });

  test("a batch that deletes a record takes its kept file along", async () => {
    const { id, path } = await addNotice("one");
    await warm(path);
    const requests = [{ method: "DELETE", url: `${NOTICES}/${id}` }];
    const headers = { "Content-Type": "application/json" };
    const batch = await open("/api/batch", { method: "POST", headers, body: JSON.stringify({ requests }) });
    expect([batch.status, (await open(path)).status]).toEqual([200, 404]);
  });

  test("a delivery under way when its record is deleted is the last, and whole", async () => {
    const { id, path } = await addNotice("x".repeat(LARGE_BYTES));
    await (await open(path)).arrayBuffer();
    await warm(path, { method: "HEAD" });
    const pieces = (await open(path)).body?.getReader();
    let bytes = (await pieces?.read())?.value?.length ?? 0;
    expect((await open(`${NOTICES}/${id}`, { method: "DELETE" })).status).toBe(204);
    expect((await open(path)).status).toBe(404);
    for (let next = await pieces?.read(); next?.done === false; next = await pieces?.read())
      bytes += next.value.length;
    expect(bytes).toBe(LARGE_BYTES);
  });

  test("UP12 protected files are never kept, and leave as private", async () => {
    const scan = `/api/files/diaries/${IDS.diary}/${gateway.pocketbase.world.files.scan}`;
    const init = { method: "POST", headers: { Authorization: gateway.tokens.ada } };
    const json: unknown = await (await open("/api/files/token", init)).json();
    const token = String(Reflect.get(Object(json), "token"));
    for (let i = 0; i < 3; i++) {
      const answer = await open(`${scan}?token=${token}`);
      expect([answer.status, statusOf(answer), answer.headers.get("cache-control")]).toEqual([
        200,
        "none",
        "private, no-cache",
      ]);
      expect((await open(scan)).status).toBe(404);
    }
  });
});

test("UP12 a collection that was renamed or closed takes its kept files along", async () => {
  await using upstream = await startPocketBase();
  await using own = await startHapta(upstream);
  const { superuser } = await loginCallers(own.url);
  const file = `${IDS.bigNotice}/${upstream.world.files.svg}`;
  const ask = (name: string) => fetch(`${own.url}/api/files/${name}/${file}`);
  await eventually(async () => statusOf(await ask("notices")) === "hapta; hit", 10_000);
  const change = async (body: unknown): Promise<void> => {
    const headers = { Authorization: superuser, "Content-Type": "application/json" };
    const path = `${own.url}/api/collections/pbc_notices0001`;
    const answer = await fetch(path, { method: "PATCH", headers, body: JSON.stringify(body) });
    expect(answer.status).toBe(200);
  };
  await change({ name: "bulletins" });
  expect([(await ask("notices")).status, (await ask("bulletins")).status]).toEqual([404, 200]);
  const path = `${upstream.url}/api/collections/pbc_notices0001`;
  const collection: unknown = await (
    await fetch(path, { headers: { Authorization: upstream.world.tokens.superuser } })
  ).json();
  const fields = [Reflect.get(Object(collection), "fields")]
    .flat()
    .map((field) => ({ ...Object(field), protected: Reflect.get(Object(field), "name") === "blob" }));
  await change({ fields, viewRule: null });
  expect((await ask("bulletins")).status).toBe(404);
}, 60_000);

test("UP12 a field that is protected past Hapta takes its kept files along, and leaves nothing public", async () => {
  await using upstream = await startPocketBase();
  await using own = await startHapta(upstream);
  const file = `/api/files/notices/${IDS.bigNotice}/${upstream.world.files.svg}`;
  await eventually(async () => statusOf(await fetch(own.url + file)) === "hapta; hit", 10_000);
  const path = `${upstream.url}/api/collections/notices`;
  const headers = { Authorization: upstream.world.tokens.superuser, "Content-Type": "application/json" };
  const { fields } = Object(await (await fetch(path, { headers })).json());
  const change = async (isProtected: boolean, viewRule: string | null): Promise<void> => {
    const changed = [fields].flat().map((field) => ({ ...field, protected: isProtected }));
    const init = { method: "PATCH", headers, body: JSON.stringify({ fields: changed, viewRule }) };
    expect((await fetch(path, init)).status).toBe(200);
  };
  // Its rule still lets everybody in, but caches on the way may not know when that ends.
  await change(true, "");
  await eventually(async () => {
    const answer = await fetch(own.url + file);
    return answer.headers.get("cache-control") === "private, no-cache" && statusOf(answer) === "none";
  }, 5_000);
  await change(true, null);
  await eventually(async () => (await fetch(own.url + file)).status === 404, 5_000);
}, 60_000);

test("kept files survive a restart, and are asked about before they count again", async () => {
  using data = createScratch("data");
  const start = () => startHapta(gateway.pocketbase, { env: { HAPTA_DATA_DIR: data.path } });
  const status = async (url: string): Promise<string> => statusOf(await fetch(url + notes()));
  {
    await using first = await start();
    await eventually(async () => (await status(first.url)) === "hapta; hit", 10_000);
    // It is served before it is on disk.
    const onDisk = () => readdirSync(join(data.path, "files")).filter((name) => name.endsWith(".file"));
    await eventually(() => onDisk().length === 1, 10_000);
    await first.child[Symbol.asyncDispose]();
  }
  await using second = await start();
  await eventually(async () => (await status(second.url)) === "hapta; hit; detail=renewed", 10_000);
  expect(await status(second.url)).toBe("hapta; hit");
}, 60_000);

test("Files.CacheBytes 0 keeps nothing", async () => {
  await using own = await startHapta(gateway.pocketbase, { config: { Files: { CacheBytes: 0 } } });
  for (let i = 0; i < 3; i++) {
    const answer = await fetch(own.url + notes());
    expect([answer.status, statusOf(answer), answer.headers.get("etag")]).toEqual([200, "none", null]);
  }
}, 60_000);

test("when PocketBase is gone, nothing kept is served for long", async () => {
  await using upstream = await startPocketBase();
  await using own = await startHapta(upstream);
  const url = `${own.url}/api/files/articles/${IDS.news}/${upstream.world.files.notes}`;
  await eventually(async () => statusOf(await fetch(url)) === "hapta; hit", 10_000);
  await upstream.child[Symbol.asyncDispose]();
  await eventually(async () => (await fetch(url)).status === 502, 5_000);
}, 60_000);
