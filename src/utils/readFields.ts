// The few fields of a request that matter to whether a kept answer is its answer. Reads a flat list of headers; knows nothing
// of what is kept.

/** Fields of what may be answered without PocketBase. */
export interface ReadFields {
  /** Whose pages may read the answer stands in it; several as one, joined by commas. */
  readonly origin: string | undefined;
  readonly ifNoneMatch: string | undefined;
  /** The client does not want a kept answer (RFC 9111 section 5.2.1). */
  readonly isForced: boolean;
}

const NAMES = { origin: "origin", ifNoneMatch: "if-none-match", cacheControl: "cache-control" } as const;
const LENGTHS = new Set(Object.values(NAMES).map(({ length }) => length));

/** Looks through a flat list of headers once. */
export const readFieldsOf = (headers: readonly string[]): ReadFields => {
  const found = new Map<string, string>();
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    // By length first: most names are none of these.
    if (!LENGTHS.has(name.length)) continue;
    const lower = name.toLowerCase();
    const before = found.get(lower);
    found.set(lower, before === undefined ? (headers[i + 1] ?? "") : `${before},${headers[i + 1]}`);
  }
  const control = found.get(NAMES.cacheControl);
  return {
    origin: found.get(NAMES.origin),
    ifNoneMatch: found.get(NAMES.ifNoneMatch),
    isForced: control !== undefined && /\bno-(?:cache|store)\b/i.test(control),
  };
};
