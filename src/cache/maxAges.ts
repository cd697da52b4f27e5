// Ends what is kept of some collections at regular times, changed or not: for data that others change without a word.
import type { Changes } from "./changes.ts";
import { recordsOf } from "./written.ts";

/** What is needed for it. */
export interface MaxAgeOptions {
  readonly changes: Pick<Changes, "move">;
  /** Milliseconds by a collection's name or id. */
  readonly maxAgesMs: ReadonlyMap<string, number>;
  /** The id of a collection by its name or id; undefined for none. */
  readonly idOf: (nameOrId: string) => string | undefined;
  /** Calls a task again and again; the runtime's own unless told. */
  readonly every?: (ms: number, task: () => void) => void;
}

/** Begins. Nothing that depends on such a collection is answered when it is older than the collection's age. */
export const startMaxAges = ({ changes, maxAgesMs, idOf, every = repeat }: MaxAgeOptions): void => {
  for (const [name, maxAgeMs] of maxAgesMs)
    every(maxAgeMs, () => {
      const id = idOf(name);
      if (id !== undefined) changes.move([recordsOf(id)], "its MaxAge");
    });
};

const repeat = (ms: number, task: () => void): void => {
  setInterval(task, ms).unref();
};
