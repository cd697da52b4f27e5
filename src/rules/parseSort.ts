// Parses the `sort` of a list request. Knows no collections.
import { attempt, FilterError, type Parsed } from "./filterError.ts";

/** One key, in order of weight. */
export interface SortKey {
  /** A path with modifiers, `@random`, `@rowid`, or anything else: names are not checked here. */
  readonly name: string;
  readonly isDescending: boolean;
  /** UTF-16 offset of the key in the text. */
  readonly start: number;
}

/** Most keys PocketBase takes. */
export const SORT_KEYS_MAX = 8;
/** Longest key in bytes. */
const KEY_BYTES_MAX = 255;

/** Go's blanks: Unicode's White_Space, to which U+0085 belongs and U+FEFF does not, unlike JavaScript's. */
const BLANK = /^[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

/**
 * Parses a non-empty `sort`: keys between commas, `-` for descending, `+` or nothing for ascending.
 * @returns The keys, or where and why PocketBase refuses the text whatever the names in it mean. Never throws; O(n).
 */
export const parseSort = (text: string): Parsed<readonly SortKey[]> =>
  attempt(() => {
    const keys: SortKey[] = [];
    let start = 0;
    for (const part of text.split(",", SORT_KEYS_MAX + 1)) {
      if (keys.length === SORT_KEYS_MAX)
        throw new FilterError(`There may be at most ${SORT_KEYS_MAX} sort keys.`, start);
      keys.push(toKey(part, start));
      start += part.length + 1;
    }
    return keys;
  });

const toKey = (part: string, start: number): SortKey => {
  const key = trimmed(part);
  const isDescending = key.startsWith("-");
  const name = isDescending || key.startsWith("+") ? key.slice(1) : key;
  if (name.length > KEY_BYTES_MAX)
    throw new FilterError(`A sort key has at most ${KEY_BYTES_MAX} bytes.`, start);
  return { name, isDescending, start };
};

const trimmed = (text: string): string => {
  let [start, end] = [0, text.length];
  while (start < end && BLANK.test(text.charAt(start))) start++;
  while (end > start && BLANK.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
};
