// What a crash may leave in the spool, and when it goes.
import { expect, test } from "bun:test";
import { readdirSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Upload } from "@tus/server";
import { createScratch } from "../../tests/support/scratch.ts";
import { Spool } from "./spool.ts";

const idOf = (digit: string): string => digit.repeat(32);
const metadata = { owner: "a/b", collectionId: "c", recordId: "r", field: "f", filename: "x.txt" };

test("what a crash has left of an upload goes after its time, and nothing else", async () => {
  using scratch = createScratch("spool");
  const spool = new Spool(scratch.path, 1_000_000);
  for (const digit of ["1", "2", "3", "4"])
    await spool.store.create(new Upload({ id: idOf(digit), size: 10, offset: 0, metadata }));
  const at = (name: string): string => join(scratch.path, name);
  // It ended between its bytes and its description; it began there; its description is half; 4 is well.
  unlinkSync(at(idOf("1")));
  unlinkSync(at(`${idOf("2")}.json`));
  writeFileSync(at(`${idOf("3")}.json`), '{"id":');
  writeFileSync(at(`${idOf("5")}.piece`), "0");
  await spool.sweep();
  expect(readdirSync(scratch.path)).toHaveLength(7);
  const longAgo = new Date(Date.now() - 86_500_000);
  for (const name of readdirSync(scratch.path)) utimesSync(at(name), longAgo, longAgo);
  await spool.sweep();
  expect(readdirSync(scratch.path).sort()).toEqual([idOf("4"), `${idOf("4")}.json`]);
  expect((await spool.all()).map(({ id }) => id)).toEqual([idOf("4")]);
});

test("an upload whose bytes are gone already can be removed", async () => {
  using scratch = createScratch("spool");
  const spool = new Spool(scratch.path, 1_000_000);
  await spool.store.create(new Upload({ id: idOf("1"), size: 10, offset: 0, metadata }));
  unlinkSync(join(scratch.path, idOf("1")));
  await spool.remove(idOf("1"));
  expect(readdirSync(scratch.path)).toEqual([]);
});

test("there are so many uploads and no more, whoever begins them", async () => {
  using scratch = createScratch("spool");
  const spool = new Spool(scratch.path, 1_000_000, 3);
  const begin = (digit: string) => {
    const beginning = { id: idOf(digit), owner: digit, bytes: 1 };
    return spool.create(beginning, async () => {
      await spool.store.create(new Upload({ id: idOf(digit), size: 1, offset: 0, metadata }));
      return "begun";
    });
  };
  const begun = await Promise.all(["1", "2", "3", "4", "5"].map(begin));
  expect(begun).toEqual(["begun", "begun", "begun", undefined, undefined]);
  await spool.remove(idOf("2"));
  expect([await begin("6"), await begin("7")]).toEqual(["begun", undefined]);
});
