// The command line as a real process: what is printed where, and the exit code.
import { expect, test } from "bun:test";
import { join } from "node:path";
import { FULL_CONFIG } from "./fixtures.ts";
import { inFolder } from "./inFolder.ts";

const entry = join(import.meta.dir, "../../src/index.ts");

/** Runs Hapta from source in a folder, with no environment but what is given. */
async function hapta(cwd: string, argv: readonly string[], env: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, "--no-env-file", "run", entry, ...argv], {
    cwd,
    env: { PATH: process.env["PATH"] ?? "", ...env },
    stdout: "pipe",
    stderr: "pipe",
    timeout: 100_000,
  });
  const [stdout, stderr, exitCode] = await Promise.all([
    child.stdout.text(),
    child.stderr.text(),
    child.exited,
  ]);
  return { stdout, stderr, exitCode };
}

test("--check-config loads a full config file and exits with 0", async () => {
  using folder = inFolder({ "config.ts": FULL_CONFIG, ".env": "HAPTA_ADMIN_KEY=key-that-must-not-show" });
  const { stdout, stderr, exitCode } = await hapta(folder.path, ["--check-config"], { PORT: "4711" });
  expect(stderr).toBe("");
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/Server\.Port +4711 +environment PORT/);
  expect(stdout).toMatch(/ratelimit\.Max +10 +file/);
  expect(stdout).toMatch(/HAPTA_ADMIN_KEY +\*\*\* +\.env/);
  expect(stdout).not.toContain("must-not-show");
});

test("an unknown flag exits with 2, prints a hint on stderr and nothing on stdout", async () => {
  using folder = inFolder();
  const result = await hapta(folder.path, ["--chek-config"]);
  expect(result).toEqual({
    stdout: "",
    stderr: "hapta: --chek-config: unknown flag; did you mean --check-config?\n",
    exitCode: 2,
  });
});

test("wrong settings exit with 1 before anything is started", async () => {
  using folder = inFolder({ "config.ts": "export default { Server: { Prot: 1 } };" });
  const { stdout, stderr, exitCode } = await hapta(folder.path, []);
  expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
  expect(stderr).toContain("Server.Prot: unknown key; did you mean Server.Port?");
  expect(stderr).not.toMatch(/\n +at /);
});
