import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import sample from "../../src/config.ts";
import { defineConfig } from "../../src/settings/defineConfig.ts";
import { VARIABLES } from "../../src/settings/environment.ts";
import { FLAGS } from "../../src/settings/flags.ts";
import { KEYS } from "../../src/settings/reference.ts";
import { PUBLISHED_SECRETS } from "../../src/settings/variableChecks.ts";
import { loadSettings, SettingsError } from "../../src/settings.ts";
import { EXTERNAL } from "./fixtures.ts";
import { inFolder } from "./inFolder.ts";

const root = join(import.meta.dir, "../..");

const SECRETS = {
  ADMIN_PASSWORD: EXTERNAL.ADMIN_PASSWORD,
  HAPTA_ADMIN_KEY: "admin-key-that-must-not-show",
  // 43 characters of base64url.
  HAPTA_ROOT_KEY: "0aZ9bY8cX7dW6eV5fU4-root-key-that-must-not-show".slice(-43),
  HAPTA_CLUSTER_SECRET: "cluster-secret-that-must-not-show",
  REDIS_URL: "redis://user-x:redis-that-must-not-show@127.0.0.1:6379/2",
};
const SECRET_CONFIG = 'export default { Security: { Secret: "config-secret-that-must-not-show" } };';

test("--check-config masks every secret and shows what they are for", async () => {
  using folder = inFolder({ "config.ts": SECRET_CONFIG });
  const command = await folder.command(["--check-config"], { ...EXTERNAL, ...SECRETS });
  expect(command).toMatchObject({ kind: "print", exitCode: 0, stream: "stdout" });
  const text = command.kind === "print" ? command.text : "";
  expect(text).not.toContain("that-must-not-show");
  expect(text).not.toContain("user-x");
  expect(text).toMatch(/ADMIN_PASSWORD +\*\*\* +environment/);
  expect(text).toMatch(/Security\.Secret +\*\*\* +file/);
  expect(text).toMatch(/REDIS_URL +redis:\/\/\*\*\*@127\.0\.0\.1:6379\/2 +environment/);
});

test("--check-config prints the problems and exits with 1 when there are any", async () => {
  using folder = inFolder();
  expect(await folder.problems(["--check-config"], { PORT: "x" })).toContain("Server.Port");
});

test("settings never show a secret when printed, but hold it", async () => {
  using folder = inFolder({ "config.ts": SECRET_CONFIG });
  const settings = await folder.settings([], { ...EXTERNAL, ...SECRETS });
  for (const text of [JSON.stringify(settings), inspect(settings, { depth: 9 }), Bun.inspect(settings)]) {
    expect(text).not.toContain("that-must-not-show");
  }
  expect(settings.upstream.adminPassword?.reveal()).toBe(EXTERNAL.ADMIN_PASSWORD);
  expect(settings.redisUrl?.reveal()).toBe(SECRETS.REDIS_URL);
});

test("--help names every flag and every variable, beats other flags, and exits with 0", async () => {
  using folder = inFolder({ "config.ts": "throw 1" });
  const command = await folder.command(["--check-config", "--help"]);
  expect(command).toMatchObject({ kind: "print", exitCode: 0, stream: "stdout" });
  const text = command.kind === "print" ? command.text : "";
  for (const { name } of [...FLAGS, ...VARIABLES]) expect(text).toContain(name);
});

test("--version prints the version of package.json", async () => {
  using folder = inFolder();
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  expect(await folder.command(["--version"])).toMatchObject({ text: `hapta ${version}\n`, exitCode: 0 });
});

test("an unknown flag exits with 2 and a hint on stderr", async () => {
  using folder = inFolder();
  const text = "hapta: --prot: unknown flag; did you mean --port?\n";
  expect(await folder.command(["--prot=1"])).toEqual({ kind: "print", text, exitCode: 2, stream: "stderr" });
});

test("loadSettings throws a SettingsError with the sentences", async () => {
  using folder = inFolder();
  const load = loadSettings({ argv: ["--port=x"], env: {}, cwd: folder.path });
  const error = await load.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(SettingsError);
  expect((error as SettingsError).problems).toEqual([expect.stringContaining("Server.Port")]);
  expect(loadSettings({ argv: ["--x"], env: {}, cwd: folder.path })).rejects.toThrow("--x: unknown flag");
});

test("every key says its default, what is allowed, and a sentence", () => {
  expect(KEYS.length).toBeGreaterThan(25);
  for (const row of KEYS) {
    expect(row.allowed).not.toBe("");
    expect(row.sentence).toEndWith(".");
    if (!row.isSecret) expect(row.fallback).toBeDefined();
  }
});

test("the sample config file is valid, and typed like a user's", async () => {
  using folder = inFolder();
  const settings = await folder.settings(["--config", join(root, "src/config.ts")]);
  expect(settings.server.port).toBe(defineConfig(sample).Server?.Port ?? -1);
});

test("every example secret in the documents is one that is refused", () => {
  const example = readFileSync(join(root, ".env.example"), "utf8");
  const shown = [...example.matchAll(/^#?(?:HAPTA_ADMIN_KEY|HAPTA_ROOT_KEY|HAPTA_CLUSTER_SECRET)=(.+)$/gm)];
  expect(shown.length).toBeGreaterThan(0);
  for (const [, text = ""] of shown) expect(PUBLISHED_SECRETS).toContain(text);
});
