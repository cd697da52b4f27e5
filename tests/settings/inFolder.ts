// A temporary working folder with the files of one settings test. Removed on disposal.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Settings } from "../../src/settings.ts";
import { type Command, parseCommand } from "../../src/settings.ts";

/** A working folder and ways to start Hapta's command line in it. */
export type Folder = {
  readonly path: string;
  /** Runs parseCommand here with these flags and exactly this environment. */
  readonly command: (argv?: readonly string[], env?: Record<string, string>) => Promise<Command>;
  /** The settings; throws with the printed text when there are none. */
  readonly settings: (argv?: readonly string[], env?: Record<string, string>) => Promise<Settings>;
  /** The printed text of a start that must fail with exit code 1. */
  readonly problems: (argv?: readonly string[], env?: Record<string, string>) => Promise<string>;
  readonly [Symbol.dispose]: () => void;
};

/** Makes a folder with the given files (path -> text). Use it with `using`. */
export function inFolder(files: Readonly<Record<string, string>> = {}): Folder {
  const path = mkdtempSync(join(tmpdir(), "hapta-settings-"));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), text);
  }
  const command: Folder["command"] = (argv = [], env = {}) =>
    parseCommand({ argv, env: { ...env }, cwd: path });
  return {
    path,
    command,
    settings: async (argv, env) => {
      const result = await command(argv, env);
      if (result.kind === "print") throw new Error(result.text);
      return result.settings;
    },
    problems: async (argv, env) => {
      const result = await command(argv, env);
      if (result.kind === "serve") throw new Error("the settings were accepted");
      if (result.exitCode !== 1 || result.stream !== "stderr")
        throw new Error(`exit code ${result.exitCode}`);
      return result.text;
    },
    [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }),
  };
}
