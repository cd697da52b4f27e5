// pocketbase-typegen, unmodified, must write the same types through every target as from PocketBase itself.
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startChild } from "../support/childProcess.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { describeTargets } from "../support/targets.ts";

const CLI = join(PROJECT_DIR, "node_modules", "pocketbase-typegen", "dist", "cli.js");

const typesFrom = async (url: string): Promise<string> => {
  using scratch = createScratch("typegen");
  const out = join(scratch.path, "types.ts");
  const login = ["--email", SUPERUSER.email, "--password", SUPERUSER.password];
  const child = startChild({
    command: [process.execPath, CLI, "--url", url, ...login, "--out", out],
    cwd: scratch.path,
  });
  const code = await child.exited;
  if (code !== 0) throw new Error(`typegen ended with ${code}: ${child.output()}`);
  return readFileSync(out, "utf8");
};

describeTargets("typegen", (target) => {
  test("writes the same types as from PocketBase itself", async () => {
    const types = await typesFrom(target.url);
    expect(types).toContain('ArticleStats: "articleStats"');
    expect(types).toContain("export type ArticlesRecord");
    expect(types).toBe(await typesFrom(target.upstream.url));
  });
});
