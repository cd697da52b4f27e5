// Generated forms with files, to PocketBase and through Hapta, one after the other on twin records: the same statuses, the
// same errors, the same files in the same places.
import { describe, expect, test } from "bun:test";
import { drawPng } from "../support/fixture/png.ts";
import { startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createRandom } from "../support/random.ts";

const RUNS = 80;

// Small enough that whole forms are waited for: of more than 256 KiB to come, only the first fault is said (judge.test.ts).
const FILES: readonly (readonly [name: string, bytes: Buffer])[] = [
  ["picture.png", Buffer.from(drawPng(3, 3))],
  ["words.txt", Buffer.from("some words")],
  ["page.html", Buffer.from("<html></html>")],
  ["empty.bin", Buffer.alloc(0)],
  ["large.bin", Buffer.alloc(3_000, "x")],
  ["larger.bin", Buffer.alloc(60_000, "x")],
  ["paper.pdf", Buffer.from("%PDF-1.4")],
];
const FIELDS: readonly Readonly<Record<string, unknown>>[] = [
  { name: "title", type: "text", required: true, max: 10 },
  { name: "count", type: "number" },
  { name: "kinds", type: "select", maxSelect: 3, values: ["a", "b", "c"] },
  { name: "code", type: "text", autogeneratePattern: "[x]{3}" },
  { name: "one", type: "file", maxSelect: 1, maxSize: 2_000 },
  { name: "picture", type: "file", maxSelect: 1, mimeTypes: ["image/png"], thumbs: ["10x10"] },
  { name: "few", type: "file", maxSelect: 3, mimeTypes: ["image/png", "text/plain"] },
  { name: "must", type: "file", maxSelect: 2, required: true },
  { name: "hidden", type: "file", maxSelect: 1, maxSize: 1, hidden: true },
];

type Entry = readonly [name: string, value: string | number];

/** A form; numbers stand for files, `*N` for the name of the Nth file that the record has under the name. */
const randomForm = (random: () => number): Entry[] => {
  const pick = <T>(list: readonly [T, ...T[]]): T => list[Math.floor(random() * list.length)] ?? list[0];
  const entries: Entry[] = [];
  if (random() < 0.8) entries.push(["title", pick(["good", "", "far too long a title", "true", "007"])]);
  if (random() < 0.4) entries.push([pick(["count", "count+", "+count", "count-"]), pick(["1", "x", "2.5"])]);
  for (let i = Math.floor(random() * 3); i > 0; i--)
    entries.push([pick(["kinds", "kinds+", "+kinds", "kinds-"]), pick(["a", "b", "c", "nosuch", ""])]);
  if (random() < 0.3) entries.push([pick(["code", "code:autogenerate", "code:each"]), pick(["y", ""])]);
  if (random() < 0.6) entries.push(["must", 1]);
  if (random() < 0.2)
    entries.push(["@jsonPayload", pick(['{"count":5}', '{"title":null}', '{"few":[]}', "{", "[]"])]);
  for (let i = Math.floor(random() * 5); i > 0; i--) {
    const field = pick(["one", "picture", "few", "few", "few", "must", "hidden", "nothing"]);
    const name = pick([field, field, `${field}+`, `+${field}`, `${field}-`, `+${field}+`]);
    entries.push([
      name,
      random() < 0.75 ? Math.floor(random() * FILES.length) : pick(["*0", "*1", "nosuch.txt", ""]),
    ]);
  }
  return entries;
};

interface Side {
  readonly url: string;
  /** The record as it was last. */
  record: Readonly<Record<string, unknown>>;
}

const formFor = ({ record }: Side, entries: readonly Entry[]): FormData => {
  const form = new FormData();
  for (const [name, value] of entries) {
    const file = typeof value === "number" ? FILES[value] : undefined;
    const stored = [record[name.replace(/^\+|[+-]$/g, "")]].flat();
    if (file !== undefined) form.append(name, new Blob([new Uint8Array(file[1])]), file[0]);
    else
      form.append(
        name,
        /^\*\d$/.test(String(value)) ? String(stored[Number(String(value)[1])] ?? "") : String(value),
      );
  }
  return form;
};

const send = async (side: Side, method: "POST" | "PATCH", entries: readonly Entry[]): Promise<unknown> => {
  const path = `${side.url}/api/collections/forms/records${method === "PATCH" ? `/${String(side.record["id"])}` : ""}`;
  const answer = await fetch(path, { method, body: formFor(side, entries) });
  const json = (await answer.json()) as Record<string, unknown>;
  if (answer.status === 200) side.record = json;
  const { id: _, ...rest } = json;
  // What PocketBase draws anew each time.
  const text = JSON.stringify(rest).replace(/_[a-z0-9]{10}(?=[."])/g, "_RANDOM");
  return { status: answer.status, ...(JSON.parse(text) as object) };
};

const addCollection = async ({ url, world }: PocketBase): Promise<void> => {
  const rules = { listRule: "", viewRule: "", createRule: "", updateRule: "" };
  const answer = await fetch(`${url}/api/collections`, {
    method: "POST",
    headers: { Authorization: world.tokens.superuser, "Content-Type": "application/json" },
    body: JSON.stringify({ id: "pbc_forms000001", name: "forms", type: "base", ...rules, fields: FIELDS }),
  });
  expect(answer.status).toBe(200);
};

describe.each(["0.36", "0.39", "0.40"] as const)("forms with files on PocketBase %s", (version) => {
  test("are answered alike, error for error and file for file", async () => {
    await using plain = await startPocketBase({ version });
    await using behind = await startPocketBase({ version });
    for (const one of [plain, behind]) await addCollection(one);
    await using hapta = await startHapta(behind);
    const [direct, through]: [Side, Side] = [
      { url: plain.url, record: {} },
      { url: hapta.url, record: {} },
    ];
    const random = createRandom(version.length + 7);
    const start: readonly Entry[] = [
      ["title", "first"],
      ["must", 0],
      ["few", 1],
    ];
    for (const side of [direct, through])
      expect(await send(side, "POST", start)).toMatchObject({ status: 200 });
    const statuses = new Map<number, number>();
    for (let i = 0; i < RUNS; i++) {
      const entries = randomForm(random);
      const method = random() < 0.5 ? "POST" : "PATCH";
      const [own, given] = [await send(direct, method, entries), await send(through, method, entries)];
      expect([method, entries, given]).toEqual([method, entries, own]);
      const status = Number(Reflect.get(Object(own), "status"));
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
    for (const status of [200, 400]) expect(statuses.get(status)).toBeGreaterThan(8);
  }, 60_000);
});
