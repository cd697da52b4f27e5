// The files that the benchmark sends about: a collection for them in PocketBase, and copies for nginx.
import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SUPERUSER } from "../../tests/support/fixture/load.ts";
import { drawPng } from "../../tests/support/fixture/png.ts";
import type { BenchUpstream } from "../support/upstream.ts";

/** Kept file that is downloaded over and over. */
export const HIT_BYTES = 1_000_000;
/** File that is moved once per round and direction. */
export const BULK_BYTES = 300_000_000;
const RECORDS = "/api/collections/benchFiles/records";

/** Where the files are. */
export interface Files {
  /** Path of 1 MB at PocketBase and Hapta. */
  readonly hit: string;
  /** Path of a thumb of 100 x 100. */
  readonly thumb: string;
  /** Path of the file that is moved. */
  readonly bulk: string;
  /** Path where a form makes a record. */
  readonly records: string;
  /** Folder with `hit.bin` and `bulk.bin`. */
  readonly dir: string;
}

/** Makes the collection, and stores each file once. */
export const loadFiles = async (upstream: BenchUpstream): Promise<Files> => {
  const dir = join(upstream.dir, "files");
  mkdirSync(dir);
  writeFileSync(join(dir, "hit.bin"), randomBytes(HIT_BYTES));
  const piece = randomBytes(BULK_BYTES / 100);
  writeFileSync(join(dir, "bulk.bin"), "");
  for (let i = 0; i < 100; i++) writeFileSync(join(dir, "bulk.bin"), piece, { flag: "a" });
  await addCollection(upstream.url);
  const store = async (name: string, bytes: Blob): Promise<string> => {
    const form = new FormData();
    form.append("file", bytes, name);
    const answer = await fetch(upstream.url + RECORDS, { method: "POST", body: form });
    const saved = (await answer.json()) as { id: string; file: string };
    if (!answer.ok) throw new Error(`${name}: ${answer.status} ${JSON.stringify(saved)}`);
    return `/api/files/benchFiles/${saved.id}/${saved.file}`;
  };
  const picture = await store("picture.png", new Blob([drawPng(600, 400)]));
  return {
    hit: await store("hit.bin", Bun.file(join(dir, "hit.bin"))),
    thumb: `${picture}?thumb=100x100`,
    bulk: await store("bulk.bin", Bun.file(join(dir, "bulk.bin"))),
    records: RECORDS,
    dir,
  };
};

const addCollection = async (url: string): Promise<void> => {
  const login = { identity: SUPERUSER.email, password: SUPERUSER.password };
  const { token } = (await send(`${url}/api/collections/_superusers/auth-with-password`, login)) as {
    token: string;
  };
  const fields = [{ name: "file", type: "file", maxSelect: 1, maxSize: 2 * BULK_BYTES }];
  const rules = { listRule: "", viewRule: "", createRule: "", deleteRule: "" };
  await send(`${url}/api/collections`, { name: "benchFiles", type: "base", ...rules, fields }, token);
};

const send = async (url: string, body: unknown, token = ""): Promise<unknown> => {
  const headers = { "Content-Type": "application/json", Authorization: token };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return await answer.json();
};
