// The keys of the config file about the cache of answers.
import { z } from "zod";
import { CODINGS, type Coding } from "../cache/codings.ts";
import type { NamedReads } from "../cache/readNames.ts";
import { isOwnRoute } from "./ownRoute.ts";
import { toggle, wholeNumber } from "./pieces.ts";

const COLLECTIONS_MAX = 256;
const NAMES_MAX = 256;
const ROUTES_MAX = 256;
const MAX_AGE_MIN_SECONDS = 0.1;
const MAX_AGE_MAX_SECONDS = 86_400;

/** A text that may hold placeholders. */
const template = z.string().min(1).max(3_500);

const namedReads = z.strictObject({
  Collection: z.string().regex(/^\w{1,255}$/),
  Record: z
    .string()
    .regex(/^[\w.~{}-]{1,255}$/)
    .optional(),
  Query: z.record(z.string().min(1).max(255), template).default({}),
});

/** `Cache.Names` as the cache reads it. */
export const toNamedReads = (
  names: Readonly<Record<string, z.infer<typeof namedReads>>>,
): ReadonlyMap<string, NamedReads> =>
  new Map(
    Object.entries(names).map(([name, { Collection, Record, Query }]) => [
      name,
      { collection: Collection, record: Record, query: Query },
    ]),
  );

/** `Cache`. */
export const cache = z.strictObject({
  isEnabled: toggle({
    fallback: true,
    sentence:
      "Whether answers to reads of records are kept and given again while nothing they depend on has changed (docs/cache.md).",
  }),
  MaxBytes: wholeNumber({
    min: 1_000_000,
    max: 2 ** 40,
    fallback: 64 * 2 ** 20,
    unit: "bytes",
    sentence: "How much memory kept answers may take; those used longest ago go first.",
  }),
  Encodings: z
    .array(z.enum(CODINGS))
    .refine((value) => new Set(value).size === value.length)
    .default([...CODINGS])
    .meta({
      description:
        "How kept answers that everybody may read leave for clients that ask for it, once they are asked for often; an empty list leaves all encoding to a proxy in front.",
      allowed: `a list of ${CODINGS.map((one) => `"${one}"`).join(", ")}, each once at most`,
    }),
  Names: z
    .record(z.string().regex(/^(?:[\w.:/~-]|\{\w{1,32}\}){1,200}$/), namedReads)
    .refine((value) => Object.keys(value).length <= NAMES_MAX)
    .default({})
    .meta({
      description:
        "What reads are called, for listing and forgetting what is kept of them: each name with the collection, the record or the parameters that it stands for; what stands in braces is the same in both (docs/cache.md).",
      allowed: `an object of at most ${NAMES_MAX} names such as "u/{username}", each with { Collection, Record, Query }`,
    }),
  VerifyRate: z.number().min(0).max(1).default(0.001).meta({
    description:
      "The share of answers from the cache that are compared with PocketBase afterwards, as the same caller; a difference is logged and counted.",
    allowed: "a number from 0 to 1",
  }),
  StaleIfError: wholeNumber({
    min: 0,
    max: 86_400,
    fallback: 0,
    unit: "seconds",
    sentence:
      "How long after the last word of PocketBase a kept answer is given, marked as stale, when PocketBase fails; nothing that is known to have changed is. 0 is never.",
  }),
  Collections: z
    .record(
      z.string().regex(/^\w{1,255}$/),
      z.strictObject({
        isEnabled: z.boolean().default(true),
        MaxAge: z.number().min(MAX_AGE_MIN_SECONDS).max(MAX_AGE_MAX_SECONDS).optional(),
      }),
    )
    .refine((value) => Object.keys(value).length <= COLLECTIONS_MAX)
    .default({})
    .meta({
      description:
        "Collections whose records are never in a kept answer (isEnabled: false), or in none older than MaxAge: those that code of yours shows differently to each caller, or that are changed by raw SQL.",
      allowed: `an object of at most ${COLLECTIONS_MAX} collection names or ids, each with { isEnabled: true or false, MaxAge: a number of seconds from ${MAX_AGE_MIN_SECONDS} to ${MAX_AGE_MAX_SECONDS} }`,
    }),
  Writes: z
    .record(
      z.string().refine((key) => isOwnRoute(key) && !key.startsWith("GET ")),
      z.array(z.string().regex(/^\w{1,255}$/)).max(COLLECTIONS_MAX),
    )
    .refine((value) => Object.keys(value).length <= ROUTES_MAX)
    .default({})
    .meta({
      description:
        'What routes that hooks add may change: "POST /shop/orders": ["orders"]. A request to any other ends everything that is kept (docs/cache.md).',
      allowed: `an object of at most ${ROUTES_MAX} routes such as "POST /shop/orders/{id}", none of PocketBase's and Hapta's own and none of GET, each with a list of collection names or ids`,
    }),
});

/** `Cache`, as the program reads it. */
export interface CacheSettings {
  readonly isEnabled: boolean;
  readonly bytesMax: number;
  /** Content codings that kept answers may leave in. */
  readonly codings: readonly Coding[];
  /** Share of the hits that are compared with PocketBase. */
  readonly verifyRate: number;
  /** After the last word of PocketBase; 0 is never. */
  readonly staleIfErrorMs: number;
  /** By name or id as the config file spells it. */
  readonly collections: ReadonlyMap<string, { readonly isEnabled: boolean }>;
  /** How old answers with records of a collection may be, where that has a bound; names as above. */
  readonly maxAgesMs: ReadonlyMap<string, number>;
  /** Names or ids of the collections that routes of hooks may change, by method and path. */
  readonly writes: ReadonlyMap<string, readonly string[]>;
  /** What reads are called, in the order of the config file. */
  readonly names: ReadonlyMap<string, NamedReads>;
}

/** {@link CacheSettings} from checked input. */
export const toCacheSettings = (input: z.infer<typeof cache>): CacheSettings => ({
  isEnabled: input.isEnabled,
  bytesMax: input.MaxBytes,
  codings: input.Encodings,
  verifyRate: input.VerifyRate,
  staleIfErrorMs: input.StaleIfError * 1_000,
  collections: new Map(Object.entries(input.Collections)),
  maxAgesMs: new Map(
    Object.entries(input.Collections).flatMap(([name, { MaxAge }]) =>
      MaxAge === undefined ? [] : [[name, MaxAge * 1000] as const],
    ),
  ),
  writes: new Map(Object.entries(input.Writes)),
  names: toNamedReads(input.Names),
});
