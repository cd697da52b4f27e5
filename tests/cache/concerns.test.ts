// What an answer does not show may still decide about it: fields it is sorted and filtered by, records it expands.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

const [ONE, OTHER] = ["node00000000001", "node00000000002"];
const RECORDS = "nodes/records";

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit();
  const rules = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };
  const fields = [
    { name: "title", type: "text" },
    { name: "rank", type: "number" },
    { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
  ];
  const nodes = { id: "pbc_nodes000001", name: "nodes", type: "base", ...rules, fields };
  expect((await kit.write("POST collections", nodes)).status).toBe(200);
  const next = { name: "next", type: "relation", collectionId: nodes.id, maxSelect: 1 };
  expect((await kit.write("PATCH collections/nodes", { fields: [...fields, next] })).status).toBe(200);
  for (const body of [
    { id: ONE, title: "one", rank: 1 },
    { id: OTHER, title: "other", rank: 2, next: ONE },
  ])
    expect((await kit.write(`POST collections/${RECORDS}`, body)).status).toBe(200);
  await makeLevels();
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const LEVELS = [1, 2, 3].map((n) => `level000000000${n}`);
/** Records that an index puts in order. */
const makeLevels = async (): Promise<void> => {
  const fields = [
    { name: "kind", type: "text" },
    { name: "weight", type: "number" },
    { name: "note", type: "text" },
    { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
  ];
  const indexes = ["CREATE INDEX idx_levels ON levels (kind, weight)"];
  const levels = { name: "levels", type: "base", listRule: "", fields, indexes };
  expect((await kit.write("POST collections", levels)).status).toBe(200);
  for (const [weight, id] of LEVELS.entries())
    expect((await kit.write("POST collections/levels/records", { id, kind: "a", weight })).status).toBe(200);
};

const change = (id: string, body: unknown) => kit.write(`PATCH collections/${RECORDS}/${id}`, body);

test("a record that is expanded is another one than the one that is read, in the same collection, too", async () => {
  const path = `${RECORDS}/${OTHER}?expand=next`;
  await kit.warm(path);
  await change(ONE, { title: "one, renamed" });
  expect((await kit.read(path)).text).toContain("one, renamed");
  await kit.warm(path);
  await kit.behind(`PATCH collections/${RECORDS}/${ONE}`, { title: "one, past Hapta" });
  await eventually(async () => (await kit.read(path)).text.includes("one, past Hapta"), 5_000);
});

test("a list changes with what it is sorted and filtered by, whatever it shows", async () => {
  const titles = `${RECORDS}?fields=id,title&sort=id`;
  let rank = 10;
  const rise = async (id: string): Promise<void> => {
    expect((await change(id, { rank: ++rank })).status).toBe(200);
  };
  // Only when it is known what records were, other fields are nobody's concern.
  await eventually(async () => {
    await kit.warm(titles);
    await rise(ONE);
    return (await kit.read(titles)).cache === "hit";
  }, 20_000);
  const sorted = `${RECORDS}?fields=id,title&sort=-rank`;
  for (const id of [OTHER, ONE, OTHER]) {
    const filtered = `${RECORDS}?fields=id,title&filter=(rank>${rank})&sort=id`;
    await kit.warm(sorted);
    expect((await kit.warm(filtered)).text).not.toContain(id);
    await rise(id);
    expect((await kit.read(filtered)).text).toContain(id);
    const { items } = JSON.parse((await kit.read(sorted)).text) as { items: { id: string }[] };
    expect(items.map((item) => item.id)).toEqual(id === ONE ? [ONE, OTHER] : [OTHER, ONE]);
  }
});

test("a list changes with the indexes that its records are read by, whatever it shows and sorts by", async () => {
  const [first = ""] = LEVELS;
  const path = "levels/records?filter=(kind='a')&fields=id";
  const write = (body: unknown) => kit.write(`PATCH collections/levels/records/${first}`, body);
  // Only when it is known what the record was, other fields are nobody's concern.
  await eventually(async () => {
    await kit.warm(path);
    await write({ note: `${performance.now()}` });
    return (await kit.read(path)).cache === "hit";
  }, 20_000);
  await kit.warm(path);
  await write({ weight: 9 });
  expect((await kit.read(path)).text).toBe((await kit.behind(`GET collections/${path}`)).text);
  const { items } = JSON.parse((await kit.read(path)).text) as { items: { id: string }[] };
  expect(items.map(({ id }) => id)).toEqual([...LEVELS.slice(1), first]);
});
