import { afterEach, expect, test } from "bun:test";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createScratch } from "../../tests/support/scratch.ts";
import { createCodeLookout } from "./ownCode.ts";

const scratches: Disposable[] = [];
afterEach(() => {
  for (const scratch of scratches.splice(0)) scratch[Symbol.dispose]();
});

const makeDataDir = (files: readonly string[]): string => {
  const scratch = createScratch("own-code");
  scratches.push(scratch);
  for (const folder of ["pb_hooks", "pb_migrations"]) mkdirSync(join(scratch.path, folder));
  for (const file of files) writeFileSync(join(scratch.path, file), "");
  return scratch.path;
};

test.each([
  [[], false],
  [["pb_hooks/.gitkeep", "pb_hooks/README.md", "pb_hooks/data.json"], false],
  [["main.pb.js"], false],
  [["pb_hooks/main.pb.js"], true],
  [["pb_hooks/main.pb.ts"], true],
  [["pb_hooks/MAIN.PB.JS"], true],
  [["pb_migrations/1700000000_made.js"], true],
  [["pb_migrations/1700000000_made.ts"], true],
] as const)("with %p it says %p", (files, expected) => {
  expect(createCodeLookout(makeDataDir(files))()).toBe(expected);
});

test("folders that are not there hold nothing; what cannot be read counts as code", () => {
  const dataDir = makeDataDir([]);
  rmSync(join(dataDir, "pb_hooks"), { recursive: true });
  expect(createCodeLookout(dataDir)()).toBe(false);
  writeFileSync(join(dataDir, "pb_hooks"), "");
  expect(createCodeLookout(dataDir)()).toBe(true);
});

test("a script that is gone may still be running", () => {
  const dataDir = makeDataDir([]);
  const runsScripts = createCodeLookout(dataDir);
  expect(runsScripts()).toBe(false);
  const file = join(dataDir, "pb_hooks", "main.pb.js");
  writeFileSync(file, "");
  expect(runsScripts()).toBe(true);
  rmSync(file);
  expect(runsScripts()).toBe(true);
});
