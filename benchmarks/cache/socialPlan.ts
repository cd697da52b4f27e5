// What happens in the social workload, drawn from a seed: who does what, in which order. Sends nothing.
import { createDraw } from "../../tests/model/cacheWorld.ts";
import { authorOf, PEOPLE, POSTS } from "./socialWorld.ts";

export const REQUESTS = 50_000;
const WRITES_SHARE = 0.03;
const SEED = 20_261_122;

const READS = ["feed", "post", "comments", "likes", "profile", "own notices"] as const;
const WRITES = ["like", "comment", "new post", "edited post", "read notice"] as const;
export type ReadKind = (typeof READS)[number];
type WriteKind = (typeof WRITES)[number];

/** How many of a hundred reads, or writes, are of each kind, in their order. */
const READ_WEIGHTS = [35, 20, 20, 15, 5, 5];
const WRITE_WEIGHTS = [60, 25, 3, 2, 10];

/** One thing that somebody does; `person`, `post` and `page` say to what. */
export interface Step {
  readonly kind: ReadKind | WriteKind;
  readonly isWrite: boolean;
  readonly person: number;
  readonly post: number;
  readonly profile: number;
  readonly page: number;
}

/** All steps, the same each time. */
export const drawSteps = (): readonly Step[] => {
  const { below } = createDraw(SEED);
  const random = (): number => below(2 ** 30) / 2 ** 30;
  const pick = <T>(values: readonly T[], weights: readonly number[]): T | undefined => {
    let left = random() * weights.reduce((sum, weight) => sum + weight, 0);
    return values.find((_, i) => {
      left -= weights[i] ?? 0;
      return left < 0;
    });
  };
  const person = createZipf(PEOPLE, 1, random);
  const post = createZipf(POSTS, 1, random);
  return Array.from({ length: REQUESTS }, () => {
    const isWrite = random() < WRITES_SHARE;
    const about = post();
    return {
      kind: (isWrite ? pick(WRITES, WRITE_WEIGHTS) : pick(READS, READ_WEIGHTS)) ?? "feed",
      isWrite,
      person: person(),
      post: about,
      profile: authorOf(about),
      page: pick([1, 2, 3], [70, 20, 10]) ?? 1,
    };
  });
};

/** Numbers from 0 to below `count`: the k-th as often as the first divided by k to the power of `exponent`. */
const createZipf = (count: number, exponent: number, random: () => number): (() => number) => {
  let sum = 0;
  const sums = Array.from({ length: count }, (_, k) => {
    sum += 1 / (k + 1) ** exponent;
    return sum;
  });
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return low;
  };
};
