// Whether code of the user's runs inside the embedded PocketBase, which may show records differently to each caller.
// Reads names of files, never the code.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "./bootError.ts";

/** What PocketBase runs scripts from. A migration, too, can add a hook while it runs. */
const FOLDERS = ["pb_hooks", "pb_migrations"];
const SCRIPT = /\.[jt]s$/i;

/**
 * Makes a look-out for scripts, to be asked before PocketBase is started and whenever it matters: who reloads hooks restarts
 * PocketBase, and a script that is gone may still be running.
 *
 * @param dataDir - HAPTA_DATA_DIR. @returns a function that says whether there was any at this or an earlier call, or a
 * folder could not be read. Costs a system call for each folder.
 */
export const createCodeLookout = (dataDir: string): (() => boolean) => {
  let isSeen = false;
  return () => {
    isSeen ||= FOLDERS.some((folder) => holdsScripts(join(dataDir, folder)));
    return isSeen;
  };
};

const holdsScripts = (folder: string): boolean => {
  try {
    return readdirSync(folder).some((name) => SCRIPT.test(name));
  } catch (error) {
    return codeOf(error) !== "ENOENT";
  }
};
