// The group `Validation` of the config file.
import { z } from "zod";

/** `Validation`. */
export const validation = z.strictObject({
  isEnabled: z.boolean().default(true).meta({
    description:
      "Refuses queries and new records that PocketBase would surely refuse. Switch it off when hooks of yours fill in or replace fields before they are checked.",
    allowed: "true or false",
  }),
});
