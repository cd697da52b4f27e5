// Small numbers about small series. No distributions: raw rounds are kept for whoever wants more.

/** The median; the mean of the middle two for an even count. @throws RangeError for an empty series. */
export const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const upper = sorted[Math.floor(middle)];
  const lower = sorted[Math.ceil(middle) - 1];
  if (upper === undefined || lower === undefined) throw new RangeError("an empty series has no median");
  return (upper + lower) / 2;
};

/**
 * Where the median of the whole lies with 95 % confidence when these are a sample of it, whatever its distribution: two
 * values of the series (the binomial interval, by its normal approximation). For 20 values and more.
 */
export const medianRange = (values: readonly number[]): readonly [number, number] => {
  const sorted = values.toSorted((a, b) => a - b);
  const reach = 0.98 * Math.sqrt(sorted.length);
  const low = sorted[Math.floor(sorted.length / 2 - reach)];
  const high = sorted[Math.ceil(sorted.length / 2 + reach) - 1];
  if (low === undefined || high === undefined) throw new RangeError("too short a series");
  return [low, high];
};

/** `(max - min) / median`: 0 when every round agrees. */
export const spread = (values: readonly number[]): number =>
  (Math.max(...values) - Math.min(...values)) / median(values);

/**
 * The order of round `round` (from 0): rotated by one each round and flipped every other round, so that no
 * target always follows the same neighbour or always comes first.
 */
export const orderOf = <T>(targets: readonly T[], round: number): readonly T[] => {
  const from = round % targets.length;
  const rotated = [...targets.slice(from), ...targets.slice(0, from)];
  return round % 2 === 0 ? rotated : rotated.reverse();
};
