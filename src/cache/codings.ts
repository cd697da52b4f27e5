// Which content codings a client takes (RFC 9110 section 12.5.3), of those that Hapta makes. Encodes nothing.

/** What Hapta can make, the smallest first. */
export const CODINGS = ["br", "gzip"] as const;
export type Coding = (typeof CODINGS)[number];

/** Fields of the usual clients are few; of others no more than this many are remembered, none longer than this. */
const REMEMBERED_MAX = 256;
const REMEMBERED_CHARS_MAX = 128;
const NONE: readonly Coding[] = [];
const remembered = new Map<string, readonly Coding[]>();

/**
 * The codings that a client would rather have than the plain bytes, those it likes best first; of equals the smallest.
 *
 * @param acceptEncoding - The field's value; without one nothing is encoded.
 */
export const codingsFor = (acceptEncoding: string | undefined): readonly Coding[] => {
  if (acceptEncoding === undefined) return NONE;
  const known = remembered.get(acceptEncoding);
  if (known !== undefined) return known;
  const codings = negotiate(acceptEncoding);
  if (acceptEncoding.length <= REMEMBERED_CHARS_MAX && remembered.size < REMEMBERED_MAX)
    remembered.set(acceptEncoding, codings);
  return codings;
};

const negotiate = (acceptEncoding: string): readonly Coding[] => {
  const weights = new Map<string, number>();
  for (const item of acceptEncoding.toLowerCase().split(",")) {
    const [coding = "", ...parameters] = item.split(";").map((part) => part.trim());
    // What is not understood is not wanted: the plain bytes are always right.
    if (coding !== "") weights.set(coding === "x-gzip" ? "gzip" : coding, weightOf(parameters));
  }
  const others = weights.get("*") ?? 0;
  const plain = weights.get("identity") ?? 0;
  const weigh = (coding: Coding): number => weights.get(coding) ?? others;
  return CODINGS.filter((coding) => weigh(coding) > 0 && weigh(coding) >= plain).sort(
    (a, b) => weigh(b) - weigh(a),
  );
};

const weightOf = (parameters: readonly string[]): number => {
  if (parameters.length === 0) return 1;
  const [, weight] = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.exec(parameters[0] ?? "") ?? [];
  return parameters.length > 1 || weight === undefined ? 0 : Number(weight);
};
