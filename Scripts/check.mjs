// `npm run check`: format and lint, types, dead code, generated docs, fast tests; `--all` adds the slow tests.
// Runs every step even when one fails, and says at the end which did.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { BUN, installMissing, ROOT } from "./install.mjs";

installMissing();
const inModules = (...parts) => join(ROOT, "node_modules", ...parts);
const node = process.execPath;
const tests = process.argv.includes("--all") ? ["--slow"] : [];

const steps = [
  ["format and lint", node, [inModules("@biomejs", "biome", "bin", "biome"), "check", "--error-on-warnings"]],
  ["types", node, [inModules("typescript", "bin", "tsc"), "--noEmit"]],
  ["dead code", BUN, [inModules("knip", "bin", "knip.js")]],
  ["generated docs", BUN, ["run", "Scripts/docs.ts", "--check"]],
  ["tests", node, ["Scripts/test.mjs", ...tests]],
];

const failed = steps.filter(([name, command, args]) => {
  process.stdout.write(`== ${name}\n`);
  return spawnSync(command, args, { cwd: ROOT, stdio: "inherit" }).status !== 0;
});
process.exitCode = failed.length === 0 ? 0 : 1;
process.stdout.write(
  failed.length === 0 ? "check: all good\n" : `check: failed: ${failed.map(([name]) => name).join(", ")}\n`,
);
