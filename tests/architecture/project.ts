// The project as the architecture tests read it: the files of src, and the pages. Checks nothing.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SourceFile } from "./rules.ts";

/** The project's root folder. */
export const ROOT = join(import.meta.dir, "..", "..");

/** Text of a file; `path` is relative to the project folder. */
export const read = (path: string): string => readFileSync(join(ROOT, path), "utf8");

/** Every file below a folder, as paths from the project folder. */
export const listFiles = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1));

/** The files of src, tests left out. */
export const SOURCES: readonly SourceFile[] = listFiles("src")
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
  .map((path) => ({ path, text: read(path) }));

/** The page that the code is compared with. */
export const ARCHITECTURE = read("ARCHITECTURE.md");

/** The text of one section: from its heading to the next one of the same or a higher level. */
export const sectionOf = (text: string, heading: string): string => {
  const level = heading.indexOf(" ");
  const rest = text.split(`\n${heading}\n`)[1];
  if (rest === undefined) throw new Error(`no section ${heading}`);
  return rest.split(new RegExp(`^#{1,${level}} `, "m"))[0] ?? "";
};
