// Reads the query of a URL as Go's net/url does, which is how PocketBase reads it. Judges no values.

/**
 * The first value of each parameter. Pairs with a `;` or a broken escape are left out; a value that is no UTF-8 is
 * undefined: what PocketBase sees then has no spelling here. O(n).
 *
 * @param query - Without the question mark.
 */
export const readGoQuery = (query: string): ReadonlyMap<string, string | undefined> => {
  const values = new Map<string, string | undefined>();
  for (const pair of query.split("&")) {
    if (pair === "" || pair.includes(";") || BROKEN.test(pair)) continue;
    const equals = pair.indexOf("=");
    const name = decoded(equals < 0 ? pair : pair.slice(0, equals));
    if (name === undefined || values.has(name)) continue;
    values.set(name, equals < 0 ? "" : decoded(pair.slice(equals + 1)));
  }
  return values;
};

const BROKEN = /%(?![0-9A-Fa-f]{2})/;

const decoded = (text: string): string | undefined => {
  const spaced = text.replaceAll("+", " ");
  if (!spaced.includes("%")) return spaced;
  try {
    return decodeURIComponent(spaced);
  } catch {
    return undefined; // bytes that are no UTF-8
  }
};
