// The group `Validation` of the config file.
import { z } from "zod";
import type { QueryLimits } from "../rules/queryLimits.ts";
import type { Refine } from "../schema/refinement.ts";
import type { RefineRoute } from "../schema/routeRules.ts";
import { isOwnRoute } from "./ownRoute.ts";
import { listOf, wholeNumber } from "./pieces.ts";

const COLLECTIONS_MAX = 1_000;
const ROUTES_MAX = 1_000;

/** A bound on queries that is off unless somebody sets it. */
const bound = (sentence: string, max: number, unit?: string) =>
  wholeNumber({
    min: 0,
    max,
    fallback: 0,
    sentence: `${sentence}; 0 is no bound.`,
    ...(unit === undefined ? {} : { unit }),
  });

const query = z.strictObject({
  MaxFilterBytes: bound("How long a filter may be", 3_500, "bytes"),
  MaxFilterTerms: bound("How many comparisons a filter may have", 200),
  MaxJoins: bound("How many relations the paths of a filter and sort may follow together", 200),
  MaxNestedMany: bound(
    "How many of the relations on one path may lead to several records: each multiplies the rows to look at",
    6,
  ),
  MaxPerPage: bound(
    "How many records of a list may be asked for at once; the SDK's getFullList asks for 1000 unless told otherwise",
    1_000,
  ),
  MaxExpandDepth: bound("How many relations deep expand may go", 6),
  IndexedSorts: listOf(
    {
      sentence:
        "Big collections that are sorted only by their id or by a field that an index begins with; * means all.",
      allowed: "a collection's name or id, or *",
      example: "posts",
    },
    (text) => (/^(?:\*|\w{1,255})$/.test(text) ? text : undefined),
  ),
});

/** `Validation`. */
export const validation = z.strictObject({
  isEnabled: z.boolean().default(true).meta({
    description:
      "Refuses queries and new records that PocketBase would surely refuse. Switch it off when hooks of yours fill in or replace fields before they are checked.",
    allowed: "true or false",
  }),
  Query: query.prefault({}),
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
  Routes: z
    .record(
      z.string().refine(isOwnRoute),
      z.custom<RefineRoute>((value) => typeof value === "function"),
    )
    .refine((value) => Object.keys(value).length <= ROUTES_MAX)
    .default({})
    .meta({
      description:
        'Rules of your own for routes that hooks add, in Zod: "POST /shop/orders/{id}": (z) => z.object({ body: ... }) (docs/validation.md).',
      allowed: `an object of at most ${ROUTES_MAX} routes such as "POST /shop/orders/{id}", none of PocketBase's and Hapta's own, each with a function that returns a Zod schema`,
    }),
});

/** What `Validation` says. */
export interface ValidationSettings {
  readonly isEnabled: boolean;
  /** The operator's refinements by the collection's name or id, as the config file spells it. */
  readonly collections: ReadonlyMap<string, Refine>;
  /** The operator's rules for routes of hooks, by method and path. */
  readonly routes: ReadonlyMap<string, RefineRoute>;
  /** What lists and `expand` may cost everybody but superusers; 0 = no bound. */
  readonly query: QueryLimits;
}

/** Takes the group over. */
export const toValidation = ({
  isEnabled,
  Query,
  Collections,
  Routes,
}: z.output<typeof validation>): ValidationSettings => ({
  isEnabled,
  query: {
    filterBytesMax: Query.MaxFilterBytes,
    filterTermsMax: Query.MaxFilterTerms,
    joinsMax: Query.MaxJoins,
    nestedManyMax: Query.MaxNestedMany,
    perPageMax: Query.MaxPerPage,
    expandDepthMax: Query.MaxExpandDepth,
    indexedSorts: Query.IndexedSorts,
  },
  collections: new Map(Object.entries(Collections)),
  routes: new Map(Object.entries(Routes)),
});
