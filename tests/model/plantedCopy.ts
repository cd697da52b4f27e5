// A copy of the source with a few texts in it replaced: bugs that the model suite must find, or bounds made small.
import { cpSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PROJECT_DIR } from "../support/scratch.ts";

/** A text in a file of src that is replaced; it must be there once. */
export interface Plant {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * What takes seconds of peace and thousands of records happens all the time then: that what a record was is known, is known
 * no more, or was told a moment ago.
 */
export const HURRIED: readonly Plant[] = [
  { file: "cache/images.ts", from: "CHARS_MAX = 16_000_000;", to: "CHARS_MAX = 3_500;" },
  { file: "cache/images.ts", from: "OVERLAP_MS = 5_000;", to: "OVERLAP_MS = 300;" },
];

/** Copies the source to `root` and plants. @returns the path of what starts it. */
export const plantedCopy = async (root: string, plants: readonly Plant[]): Promise<string> => {
  cpSync(join(PROJECT_DIR, "src"), join(root, "src"), { recursive: true });
  for (const name of ["package.json", "tsconfig.json"]) cpSync(join(PROJECT_DIR, name), join(root, name));
  symlinkSync(join(PROJECT_DIR, "node_modules"), join(root, "node_modules"));
  for (const { file, from, to } of plants) {
    const path = join(root, "src", file);
    const text = await Bun.file(path).text();
    if (text.split(from).length !== 2) throw new Error(`${file} does not have once: ${from}`);
    const planted = text.replace(from, () => to);
    await Bun.write(path, planted);
  }
  return join(root, "src", "index.ts");
};
