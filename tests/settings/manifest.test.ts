// What package.json and the lock file promise to a fresh machine.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");
const read = (name: string) => JSON.parse(readFileSync(join(root, name), "utf8"));
const lock: { packages: Record<string, { optionalDependencies?: object; resolved?: string }> } =
  read("package-lock.json");

test("package.json names every dependency in one exact version", () => {
  const { dependencies, devDependencies, optionalDependencies } = read("package.json");
  const versions = Object.entries<string>({ ...dependencies, ...devDependencies, ...optionalDependencies });
  expect(versions.length).toBeGreaterThan(10);
  for (const [, version] of versions) expect(version).toMatch(/^(?:npm:[\w-]+@)?\d+\.\d+\.\d+$/);
});

test("package-lock.json has an entry for every platform's package, or npm ci would refuse it", () => {
  const missing = Object.entries(lock.packages).flatMap(([path, entry]) =>
    Object.keys(entry.optionalDependencies ?? {}).filter(
      (name) => !lock.packages[`${path}/node_modules/${name}`] && !lock.packages[`node_modules/${name}`],
    ),
  );
  // Run `node Scripts/completeLock.mjs` when this fails after an `npm install`.
  expect(missing).toEqual([]);
});

test("package-lock.json names no registry but npm's own", () => {
  for (const { resolved } of Object.values(lock.packages)) {
    expect(resolved ?? "https://registry.npmjs.org/").toStartWith("https://registry.npmjs.org/");
  }
});
