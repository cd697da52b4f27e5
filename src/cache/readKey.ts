// The readable name of a read: `posts?filter=a%3D1&page=2`. Says nothing about who may share it.

/** Parameters of a query, decoded, in order of their names. */
export type Parameters = readonly (readonly [name: string, value: string])[];

/**
 * Takes a query apart as Go does, sorted by name; of equal names the order stays.
 * @returns undefined for a query that two readers might understand differently: broken escapes, `;`, bytes that are
 * no UTF-8, or one of `single` more than once.
 */
export const toParameters = (query: string, single: ReadonlySet<string>): Parameters | undefined => {
  if (query === "") return [];
  if (query.includes(";")) return undefined;
  const found: [string, string][] = [];
  const seen = new Set<string>();
  try {
    for (const piece of query.split("&")) {
      if (piece === "") continue;
      const at = piece.indexOf("=");
      const name = decode(at < 0 ? piece : piece.slice(0, at));
      if (single.has(name) && seen.has(name)) return undefined;
      seen.add(name);
      found.push([name, at < 0 ? "" : decode(piece.slice(at + 1))]);
    }
  } catch {
    return undefined; // not UTF-8
  }
  return found.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
};

const decode = (text: string): string => decodeURIComponent(text.replaceAll("+", " "));

/**
 * Renders the key of a read. No two different reads have the same one: what separates its parts stands escaped in
 * them.
 *
 * @param path - Collection name, and the record's id behind a slash: letters, digits, `-`, `_`, `.`.
 */
export const renderReadKey = (path: string, parameters: Parameters): string => {
  if (parameters.length === 0) return path;
  return `${path}?${parameters.map(([name, value]) => `${escaped(name)}=${escaped(value)}`).join("&")}`;
};

const escaped = (text: string): string =>
  text.replace(/[%&=@#?\s\p{Cc}]/gu, (character) => encodeURIComponent(character));
