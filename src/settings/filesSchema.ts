// The group `Files` of the config file.
import { z } from "zod";
import type { Inspect } from "../files/fileCheck.ts";
import { choiceNote, wholeNumber } from "./pieces.ts";

const CHECKS = ["field", "strict", "pocketbase"] as const;

/** `Files`. */
export const files = z.strictObject({
  CacheBytes: wholeNumber({
    min: 0,
    max: 2 ** 50,
    fallback: 2 ** 30,
    unit: "bytes",
    sentence:
      "How much of the data folder kept downloads may take, and never more than half of what is free there at the start; those used longest ago go first. 0 keeps none (docs/files.md).",
  }),
  SpoolBytes: wholeNumber({
    min: 0,
    max: 2 ** 50,
    fallback: 10 * 2 ** 30,
    unit: "bytes",
    sentence:
      "How much of the data folder unfinished resumable uploads may take; one user has a quarter of it.",
  }),
  Checks: z
    .enum(CHECKS)
    .default("field")
    .meta(
      choiceNote(
        CHECKS,
        'Who judges number, size and type of uploaded files: Hapta while they flow, by the fields\' own limits ("field"); in addition whether content, extension and declared type contradict each other ("strict"); or PocketBase alone, for apps whose hooks change files ("pocketbase").',
      ),
    ),
  MaxPixels: wholeNumber({
    min: 0,
    max: 2 ** 40,
    fallback: 2 ** 28,
    sentence:
      "Pixels of an uploaded picture; a small file may stand for gigabytes once PocketBase makes a thumb of it. 0 = any number.",
  }),
  Inspect: z
    .custom<Inspect>((value) => typeof value === "function")
    .nullable()
    .default(null)
    .meta({
      description:
        "A check of your own on every uploaded file, called as Inspect(stream, meta) while the file flows; PocketBase gets the end of the upload only when it is content.",
      allowed: "null, or a function that returns true, or false or a sentence to refuse the file",
    }),
});

/** What `Files` comes to. */
export interface FileSettings {
  /** On disk; 0 = none are kept. */
  readonly cacheBytesMax: number;
  /** For resumable uploads. */
  readonly spoolBytesMax: number;
  /** Who judges number, size and type of uploaded files. */
  readonly checks: (typeof CHECKS)[number];
  /** Of an uploaded picture; 0 = any number. */
  readonly pixelsMax: number;
  /** The operator's check of uploaded files. */
  readonly inspect: Inspect | undefined;
}

/** Makes the settings of the group. */
export const toFileSettings = ({
  CacheBytes,
  SpoolBytes,
  Checks,
  MaxPixels,
  Inspect: inspect,
}: z.output<typeof files>): FileSettings => ({
  cacheBytesMax: CacheBytes,
  spoolBytesMax: SpoolBytes,
  checks: Checks,
  pixelsMax: MaxPixels,
  inspect: inspect ?? undefined,
});
