// Takes members out of a JSON text and leaves the rest as it was written, byte by byte. Parses no values.

/**
 * A text without some members of the object that is its member `within`.
 *
 * @param text - An object without white space between its parts, as Go writes JSON. @param names - Without escapes.
 * @returns undefined when the text is anything else. O(length).
 */
export const withoutMembers = (
  text: string,
  within: string,
  names: ReadonlySet<string>,
): string | undefined => {
  const outer = membersIn(text, 0)?.find(({ name }) => name === within);
  const inner = outer === undefined ? undefined : membersIn(text, outer.valueAt);
  if (outer === undefined || inner === undefined) return undefined;
  const kept = inner.filter(({ name }) => !names.has(name)).map(({ at, end }) => text.slice(at, end));
  return `${text.slice(0, outer.valueAt)}{${kept.join(",")}}${text.slice(outer.end)}`;
};

interface Member {
  /** Without its quotes; an escape in it is left as it is. */
  readonly name: string;
  readonly at: number;
  readonly valueAt: number;
  readonly end: number;
}

/** The members of the object that begins at `start`; undefined when there is none. */
const membersIn = (text: string, start: number): Member[] | undefined => {
  if (text[start] !== "{") return undefined;
  if (text[start + 1] === "}") return [];
  const members: Member[] = [];
  for (let at = start + 1; ; ) {
    const nameEnd = text[at] === '"' ? endOfText(text, at) : undefined;
    if (nameEnd === undefined || text[nameEnd] !== ":") return undefined;
    const end = endOfValue(text, nameEnd + 1);
    if (end === undefined) return undefined;
    members.push({ name: text.slice(at + 1, nameEnd - 1), at, valueAt: nameEnd + 1, end });
    if (text[end] === "}") return members;
    if (text[end] !== ",") return undefined;
    at = end + 1;
  }
};

/** Behind the closing quote. */
const endOfText = (text: string, start: number): number | undefined => {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return undefined;
};

const endOfValue = (text: string, start: number): number | undefined => {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const unit = text[at] ?? "";
    if (depth === 0 && ",}]".includes(unit)) return at;
    if (unit === '"') {
      const end = endOfText(text, at);
      if (end === undefined) return undefined;
      at = end - 1;
    } else if ("{[".includes(unit)) depth++;
    else if ("}]".includes(unit)) depth--;
  }
  return undefined;
};
