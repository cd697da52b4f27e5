// The group `Files` of the config file.
import { z } from "zod";
import type { Inspect } from "../files/fileCheck.ts";
import { wholeNumber } from "./pieces.ts";

/** `Files`. */
export const files = z.strictObject({
  CacheBytes: wholeNumber({
    min: 0,
    max: 2 ** 50,
    fallback: 0,
    unit: "bytes",
    sentence:
      "How much of the data folder kept downloads may take; those used longest ago go first. 0 keeps none (docs/files.md).",
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
