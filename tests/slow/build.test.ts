// The compiled binary: built by Scripts/build.sh, run alone in an empty folder.
import { beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { FULL_CONFIG } from "../settings/fixtures.ts";
import { inFolder } from "../settings/inFolder.ts";

const root = join(import.meta.dir, "../..");
const builds = join(root, "builds");
const CANARY = "canary-4b1d2c3e-must-not-be-built-in";

/** Runs a command to its end and returns what it printed. */
async function run(command: readonly string[], cwd: string, env: Record<string, string> = {}) {
  const PATH = process.env["PATH"] ?? "";
  const HOME = process.env["HOME"] ?? "";
  const child = Bun.spawn([...command], { cwd, env: { PATH, HOME, ...env }, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

let binary = "";

beforeAll(async () => {
  const env = {
    ADMIN_PASSWORD: CANARY,
    HAPTA_ADMIN_KEY: CANARY,
    DB_URL: CANARY,
    HOME: process.env["HOME"] ?? "",
  };
  const { stdout, stderr, exitCode } = await run(["bash", "Scripts/build.sh"], root, env);
  if (exitCode !== 0) throw new Error(stderr);
  binary = join(root, stdout.trim());
}, 120_000);

test("build.sh writes the binary of this platform and its checksum", () => {
  const sums = readFileSync(join(builds, "SHA256SUMS"), "utf8").trim().split(/\s+/);
  const hash = createHash("sha256").update(readFileSync(binary)).digest("hex");
  expect(sums).toEqual([hash, binary.slice(builds.length + 1)]);
  expect(readdirSync(builds).sort()).toEqual(["SHA256SUMS", `${sums[1]?.split("/")[0]}`].sort());
});

test("the binary holds nothing of the environment it was built in", () => {
  const bytes = readFileSync(binary);
  expect(bytes.includes(CANARY)).toBe(false);
  // The search itself works: a text of the program is found.
  expect(bytes.includes("Hapta cannot start")).toBe(true);
});

test("the binary loads a TypeScript config file and .env at run time, the environment first", async () => {
  using folder = inFolder({
    "config.ts": FULL_CONFIG.replace("threads: 4", "threads: four as number").replace(
      "export",
      'import { four } from "./more.ts";\nexport',
    ),
    "more.ts": "export const four: number = 4;",
    ".env": "PORT=4711\nHAPTA_HOST=127.0.0.1",
    ".env.local": "PORT=1",
  });
  const { stdout, stderr, exitCode } = await run([binary, "--check-config"], folder.path, {
    HAPTA_HOST: "::",
  });
  expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
  expect(stdout).toMatch(/Server\.Port +4711 +\.env PORT/);
  expect(stdout).toMatch(/Server\.Host +"::" +environment HAPTA_HOST/);
  expect(stdout).toMatch(/Server\.threads +4 +file/);
});

test("the binary names the line of a config file's mistake", async () => {
  using folder = inFolder({ "config.ts": "\n\nexport default { a: nowhere };" });
  const { stderr, exitCode } = await run([binary], folder.path);
  expect(exitCode).toBe(1);
  expect(stderr).toContain("config.ts:3: nowhere is not defined");
});

test("the binary refuses an unknown flag with exit code 2", async () => {
  using folder = inFolder();
  const { stderr, exitCode } = await run([binary, "--prot=1"], folder.path);
  expect({ stderr, exitCode }).toEqual({
    stderr: "hapta: --prot: unknown flag; did you mean --port?\n",
    exitCode: 2,
  });
});
