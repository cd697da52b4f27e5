// Whether two sets of measurements look like one: the Mann-Whitney U test. No assumption about how they are spread.

interface Ranked {
  readonly value: number;
  readonly isFirst: boolean;
}

/**
 * The chance that two samples of one distribution differ in rank as much as these do, two-sided. By the normal
 * approximation with the correction for ties, which is good from twenty values each (Mann and Whitney 1947).
 */
export const mannWhitney = (first: readonly number[], second: readonly number[]): number => {
  const all: Ranked[] = [
    ...first.map((value) => ({ value, isFirst: true })),
    ...second.map((value) => ({ value, isFirst: false })),
  ].sort((a, b) => a.value - b.value);
  const { rankSum, ties } = rank(all);
  const [n, m, total] = [first.length, second.length, all.length];
  const u = rankSum - (n * (n + 1)) / 2;
  const spread = Math.sqrt(((n * m) / 12) * (total + 1 - ties / (total * (total - 1))));
  return spread === 0 ? 1 : 2 * upperTail(Math.abs(u - (n * m) / 2) / spread);
};

// Equal values share the mean of their ranks.
const rank = (all: readonly Ranked[]): { rankSum: number; ties: number } => {
  let rankSum = 0;
  let ties = 0;
  for (let from = 0; from < all.length; ) {
    let to = from + 1;
    while (all[to]?.value === all[from]?.value) to++;
    const count = to - from;
    ties += count ** 3 - count;
    for (let at = from; at < to; at++) if (all[at]?.isFirst === true) rankSum += (from + 1 + to) / 2;
    from = to;
  }
  return { rankSum, ties };
};

// Of the standard normal distribution, above z >= 0; off by less than 1e-7 (Abramowitz and Stegun 26.2.17).
const upperTail = (z: number): number => {
  const t = 1 / (1 + 0.2316419 * z);
  const factors = [0.31938153, -0.356563782, 1.781477937, -1.821255978, 1.330274429];
  const sum = factors.reduceRight((rest, factor) => (rest + factor) * t, 0);
  return (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)) * sum;
};
