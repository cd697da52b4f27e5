// The indexes of a collection, read from their CREATE INDEX statements. Knows no fields.
import type { Collection } from "./collection.ts";

/** One column of an index, or an expression: then it has no name. */
interface IndexColumn {
  readonly name: string | undefined;
  /** It sorts as the column itself does: without a collation of its own. */
  readonly isPlain: boolean;
}

/** One index. */
export interface Index {
  readonly isUnique: boolean;
  /** It has a WHERE and leaves rows out. */
  readonly isPartial: boolean;
  readonly columns: readonly IndexColumn[];
}

const STATEMENT = /^\s*create\s+(unique\s+)?index\b[^(]*\((.*)\)\s*(where\b[\s\S]*)?$/is;
const COLUMN = /^\s*(?:`(\w+)`|"(\w+)"|\[(\w+)\]|(\w+))\s*(collate\s+\S+)?\s*(?:asc|desc)?\s*$/i;

// A collection that stays the same is the same object.
const known = new WeakMap<Collection, readonly Index[]>();

/** The indexes that could be read; others are left out. O(length of the statements), once for each version. */
export const indexesOf = (collection: Collection): readonly Index[] => {
  const before = known.get(collection);
  if (before !== undefined) return before;
  const indexes = collection.indexes.flatMap(toIndex);
  known.set(collection, indexes);
  return indexes;
};

const toIndex = (statement: string): readonly Index[] => {
  const [all, unique, columns = "", where] = STATEMENT.exec(statement) ?? [];
  if (all === undefined) return [];
  // The last bracket may be the condition's.
  const isPartial = where !== undefined || /\)\s*where\b/i.test(columns);
  return [{ isUnique: unique !== undefined, isPartial, columns: columns.split(",").map(toColumn) }];
};

const toColumn = (text: string): IndexColumn => {
  const [, a, b, c, d, collation] = COLUMN.exec(text) ?? [];
  return { name: a ?? b ?? c ?? d, isPlain: collation === undefined };
};
