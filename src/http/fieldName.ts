// Header field names, interned: each spelling is checked and judged once, then costs one look-up.
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

// RFC 9110 section 5.6.2.
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

// Real traffic repeats a few dozen spellings; the bound keeps a hostile client from growing the table.
const NAMES_MAX = 1024;
const names = new Map<string, FieldName>();

/** The interned name, or undefined when `text` is not a valid field name. */
export const fieldName = (text: string): FieldName | undefined => {
  const known = names.get(text);
  if (known !== undefined) return known;
  if (!TOKEN.test(text)) return undefined;
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
