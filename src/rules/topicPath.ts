// Which collection and rule a realtime topic means. Does not look into its options.
import type { Collection } from "../pocketbase/collection.ts";
import type { Schema } from "../pocketbase/liveSchema.ts";

/** Where a topic leads. */
export interface TopicPlace {
  readonly collection: Collection;
  readonly operation: "list" | "view";
  /** Undefined for all records. */
  readonly recordId: string | undefined;
}

/** Reads the part of a topic before its options; undefined when it is no collection's. */
export const readTopicPath = (path: string, schema: Pick<Schema, "find">): TopicPlace | undefined => {
  const [name = "", record = "*", ...rest] = path.split("/");
  const collection = schema.find(name);
  // Topics mind the case of names.
  if (collection === undefined || (collection.name !== name && collection.id !== name)) return undefined;
  if (rest.length > 0) return undefined;
  const isList = record === "*";
  return { collection, operation: isList ? "list" : "view", recordId: isList ? undefined : record };
};
