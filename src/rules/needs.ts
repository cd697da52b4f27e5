// What of each collection decides about an answer, gathered while its filter, sort, rules and expands are looked through.
// Knows none of these.
import type { Collection } from "../pocketbase/collection.ts";
import type { Equality } from "./equalities.ts";

/**
 * How records of a collection come into an answer: as those it lists, or reads, alone; also as those that relations it shows
 * lead to; or in any way.
 */
const REACHES = ["read", "expanded", "joined"] as const;
/** One of {@link REACHES}. */
type Reach = (typeof REACHES)[number];

/** What of a collection decides about an answer. */
export interface Need {
  /** Names of the fields that decide which records are in it, in which order, and what becomes of others by them. */
  readonly deciding: ReadonlySet<string>;
  /** Names of the fields that are shown; undefined when any may be. */
  readonly shown: ReadonlySet<string> | undefined;
  readonly reach: Reach;
  /** What all records that can be in the answer have; records without any one of it are never in it. */
  readonly equalities: readonly Equality[];
}

/** What is known of a need from one place. */
export interface NeedPart {
  readonly deciding?: Iterable<string>;
  readonly shown?: ReadonlySet<string> | "any";
  readonly reach: Reach;
}

/** Needs by the ids of their collections. */
export class Needs {
  readonly byCollection = new Map<string, Need>();

  /** Adds to what is known. O(fields). */
  add(collection: Collection, { deciding = [], shown = NONE, reach }: NeedPart): void {
    const { id } = collection;
    const known = this.byCollection.get(id) ?? NOTHING;
    this.byCollection.set(id, {
      deciding: known.deciding.union(new Set([...deciding, ...orderingFields(collection)])),
      shown: shown === "any" ? undefined : known.shown?.union(shown),
      reach: REACHES.indexOf(reach) > REACHES.indexOf(known.reach) ? reach : known.reach,
      equalities: [],
    });
  }
}

const NONE: ReadonlySet<string> = new Set();
const NOTHING: Need = { deciding: NONE, shown: NONE, reach: "read", equalities: [] };

/**
 * The fields that indexes are made of. Records that a sort leaves level, or all where there is none, come in the order of
 * whichever index SQLite reads them by.
 */
const orderingFields = ({ indexes, fieldByName }: Collection): readonly string[] =>
  indexes.flatMap((statement) => (statement.match(/\w+/g) ?? []).filter((word) => fieldByName.has(word)));
