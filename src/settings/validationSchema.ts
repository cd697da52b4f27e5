// The group `Validation` of the config file.
import { z } from "zod";
import type { Refine } from "../schema/refinement.ts";

const COLLECTIONS_MAX = 1_000;

/** `Validation`. */
export const validation = z.strictObject({
  isEnabled: z.boolean().default(true).meta({
    description:
      "Refuses queries and new records that PocketBase would surely refuse. Switch it off when hooks of yours fill in or replace fields before they are checked.",
    allowed: "true or false",
  }),
  Collections: z
    .record(
      z.string().regex(/^\w{1,255}$/),
      z.custom<Refine>((value) => typeof value === "function"),
    )
    .refine((value) => Object.keys(value).length <= COLLECTIONS_MAX)
    .default({})
    .meta({
      description:
        "Rules of your own for the records of a collection, in Zod: posts: (z, base) => base.refine(...) (docs/validation.md). They count for everybody and whatever isEnabled says.",
      allowed: `an object of at most ${COLLECTIONS_MAX} collection names or ids, each with a function that returns a Zod schema`,
    }),
});

/** What `Validation` says. */
export interface ValidationSettings {
  readonly isEnabled: boolean;
  /** The operator's refinements by the collection's name or id, as the config file spells it. */
  readonly collections: ReadonlyMap<string, Refine>;
}

/** Takes the group over. */
export const toValidation = ({
  isEnabled,
  Collections,
}: z.output<typeof validation>): ValidationSettings => ({
  isEnabled,
  collections: new Map(Object.entries(Collections)),
});
