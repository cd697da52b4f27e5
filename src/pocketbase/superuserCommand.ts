// Makes the superuser inside a PocketBase data folder by running the program once, before it serves.
// The password goes neither into an argument list nor into the environment, which other users may see.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Log } from "../insight/log.ts";
import { BootError, toBootError } from "./bootError.ts";
import { startChild } from "./childProcess.ts";

/** Where the program, its data and the login file lie. */
export type SuperuserCommandOptions = {
  readonly bin: string;
  /** Folder for the generated hook; made when missing. */
  readonly hookFolder: string;
  readonly pbDataDir: string;
  /** File `{"email","password"}` that the program reads itself. */
  readonly loginFile: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly deadlineMs: number;
};

// Runs inside PocketBase's own JavaScript engine, as a command of its command line.
const HOOK = `$app.rootCmd.addCommand(new Command({
  use: "hapta-superuser",
  run: (cmd, args) => {
    const login = JSON.parse(toString($os.readFile(args[0])));
    let account;
    try {
      account = $app.findAuthRecordByEmail("_superusers", login.email);
    } catch (_) {
      account = new Record($app.findCollectionByNameOrId("_superusers"));
      account.set("email", login.email);
    }
    if (account.isNew() || !account.validatePassword(login.password)) {
      account.set("password", login.password);
      $app.save(account);
    }
    console.error("hapta-superuser: ok");
  },
}));
`;

/**
 * Makes sure that the login in `loginFile` opens the data folder: makes the account when it is missing
 * (first start, data folder swapped) and sets its password when it differs. Also brings PocketBase's
 * own tables up to date.
 *
 * @throws BootError in one sentence.
 */
export async function ensureSuperuser(options: SuperuserCommandOptions): Promise<void> {
  try {
    await mkdir(options.hookFolder, { recursive: true, mode: 0o700 });
    await writeFile(join(options.hookFolder, "superuser.pb.js"), HOOK, { mode: 0o600 });
  } catch (error) {
    throw toBootError(`Cannot write ${options.hookFolder}`, error);
  }
  const command = [
    options.bin,
    "hapta-superuser",
    options.loginFile,
    `--dir=${options.pbDataDir}`,
    `--hooksDir=${options.hookFolder}`,
    "--hooksWatch=false",
    "--hooksPool=1",
    `--migrationsDir=${join(options.hookFolder, "none")}`,
    "--dev=false",
  ];
  const child = runOrExplain(options, command);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    void child.stop(0);
  }, options.deadlineMs);
  const exit = await child.exited.finally(() => clearTimeout(timer));
  if (exit.lastLine.endsWith("hapta-superuser: ok")) return;
  if (isLate) {
    throw new BootError(
      `PocketBase did not open ${options.pbDataDir} within ${options.deadlineMs / 1000} s.`,
    );
  }
  throw explainExit(options.bin, options.pbDataDir, exit.lastLine);
}

/** The sentence for a PocketBase that ended by itself while starting. */
export function explainExit(bin: string, pbDataDir: string, lastLine: string): BootError {
  if (/^(\/bin\/)?sh: /.test(lastLine))
    return new BootError(`Cannot run ${bin}: ${lastLine.replace(/^.*: /, "")}.`);
  if (/disk is full|no space left/i.test(lastLine)) {
    return new BootError(`PocketBase cannot write ${pbDataDir}: the disk is full.`);
  }
  if (/permission denied|read-?only|unable to open database/i.test(lastLine)) {
    return new BootError(`PocketBase cannot write ${pbDataDir}; give this user access to it.`);
  }
  if (/unknown (flag|command)/i.test(lastLine)) {
    return new BootError(
      `${bin} is not a PocketBase with JavaScript hooks, as its official releases are; ` +
        "use one of those, or run yours yourself and set DB_URL.",
    );
  }
  if (/malformed|not a database|corrupt/i.test(lastLine)) {
    return new BootError(`PocketBase cannot read ${pbDataDir}: ${lastLine}; put a backup back in its place.`);
  }
  return new BootError(
    lastLine === ""
      ? `${bin} ended at once without a word; is it a PocketBase for this machine?`
      : `PocketBase did not start: ${lastLine}`,
  );
}

function runOrExplain(
  options: SuperuserCommandOptions,
  command: readonly string[],
): ReturnType<typeof startChild> {
  try {
    return startChild({ command, env: options.env, log: options.log });
  } catch (error) {
    throw toBootError(`Cannot run ${options.bin}`, error);
  }
}
