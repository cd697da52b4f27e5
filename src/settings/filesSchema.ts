// The group `Files` of the config file.
import { z } from "zod";
import type { Inspect } from "../files/fileCheck.ts";

/** `Files`. */
export const files = z.strictObject({
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
