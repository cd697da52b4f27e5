// Header field names, interned: each spelling is judged once, then costs one look-up. Checks none.
import { isDroppedFromRequests, isForwarding } from "../utils/headers.ts";

export interface FieldName {
  /** As received. */
  readonly text: string;
  readonly lower: string;
  /** May not be passed on to the upstream (see utils/headers). */
  readonly isDropped: boolean;
  /** Says that the socket peer asks for somebody else. */
  readonly isForwarding: boolean;
}

// Real traffic repeats a few dozen spellings; the bound keeps a hostile client from growing the table.
const NAMES_MAX = 1024;
const names = new Map<string, FieldName>();

/** The interned name. @param text - A valid one. */
export const fieldName = (text: string): FieldName => {
  const known = names.get(text);
  if (known !== undefined) return known;
  const lower = text.toLowerCase();
  const name = {
    text,
    lower,
    isDropped: isDroppedFromRequests(lower),
    isForwarding: isForwarding(lower),
  };
  if (names.size < NAMES_MAX) names.set(text, name);
  return name;
};
