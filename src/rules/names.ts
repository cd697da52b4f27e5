// What a name in a filter means before any collection is known: a macro, a part of the request, or a field path.

/** Values taken from the clock when a query runs, UTC. */
export const MACROS: ReadonlySet<string> = new Set([
  "@now",
  "@yesterday",
  "@tomorrow",
  "@second",
  "@minute",
  "@hour",
  "@day",
  "@month",
  "@weekday",
  "@year",
  "@todayStart",
  "@todayEnd",
  "@monthStart",
  "@monthEnd",
  "@yearStart",
  "@yearEnd",
]);

/** The modifiers that may stand behind the last segment of a path. */
export type Modifier = "isset" | "each" | "length" | "lower" | "changed";

/** Parts of the request with members of their own. */
export type RequestPart = "auth" | "body" | "query" | "headers";

/**
 * A name, taken apart. Paths are split at the dots; a modifier is still on the last segment.
 * - `word`: `true`, `false` or `null` in any case; a field of exactly that name comes first.
 * - `unknown`: what PocketBase 0.36 to 0.40 take for no name at all.
 */
export type Name =
  | { readonly kind: "macro" }
  | { readonly kind: "method" | "context" }
  | { readonly kind: "request"; readonly part: RequestPart; readonly path: readonly string[] }
  | { readonly kind: "collection"; readonly collection: string; readonly path: readonly string[] }
  | { readonly kind: "field" | "word"; readonly path: readonly string[] }
  | { readonly kind: "unknown" };

const REQUEST = /^@request\.(auth|body|query|headers)\.[\w.:]*\w$/;
const COLLECTION = /^@collection\.\w+(?::\w+)?\.[\w.:]*\w$/;
const FIELD = /^\w[\w.:]*$/;
const WORD = /^(?:true|false|null)$/i;
const MODIFIERS: ReadonlySet<string> = new Set(["isset", "each", "length", "lower", "changed"]);
const UNKNOWN: Name = { kind: "unknown" };

/** Takes a name apart; total. O(n). */
export const toName = (name: string): Name => {
  if (MACROS.has(name)) return { kind: "macro" };
  if (name === "@request.method") return { kind: "method" };
  if (name === "@request.context") return { kind: "context" };
  const segments = name.split(".");
  const [first, second = ""] = segments;
  if (first === "@request") {
    const part = REQUEST.exec(name)?.[1];
    return isPart(part) ? { kind: "request", part, path: segments.slice(2) } : UNKNOWN;
  }
  if (first === "@collection") {
    if (!COLLECTION.test(name)) return UNKNOWN;
    return { kind: "collection", collection: second.split(":")[0] ?? "", path: segments.slice(2) };
  }
  if (WORD.test(name)) return { kind: "word", path: segments };
  return FIELD.test(name) ? { kind: "field", path: segments } : UNKNOWN;
};

const isPart = (part: string | undefined): part is RequestPart =>
  part === "auth" || part === "body" || part === "query" || part === "headers";

/** Whether an `unknown` name could be one in a later PocketBase. */
export const mayBecomeName = (name: string): boolean => /^@\w[\w.:]*$/.test(name);

/** A path segment without its modifier. `modifier` is `"?"` for a word that is none, which PocketBase refuses. */
export interface SplitSegment {
  readonly name: string;
  readonly modifier: Modifier | "?" | undefined;
}

/** Splits a segment as PocketBase does: only a single colon makes a modifier. */
export const splitModifier = (segment: string): SplitSegment => {
  const parts = segment.split(":");
  const [name = "", modifier = ""] = parts;
  if (parts.length !== 2) return { name: segment, modifier: undefined };
  return { name, modifier: isModifier(modifier) ? modifier : "?" };
};

const isModifier = (word: string): word is Modifier => MODIFIERS.has(word);

/** The collection and field of a back relation such as `comments_via_author`; undefined for other segments. */
export const toBackRelation = (
  segment: string,
): { readonly collection: string; readonly field: string } | undefined => {
  const at = segment.lastIndexOf("_via_");
  if (at <= 0 || at + 5 >= segment.length || !/^\w+$/.test(segment)) return undefined;
  return { collection: segment.slice(0, at), field: segment.slice(at + 5) };
};
