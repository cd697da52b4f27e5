// What a benchmark is held to, and how far it is: figures in, rows with a verdict out.
import { median } from "./stats.ts";

/** One line of a result's table of goals. */
export interface GoalRow {
  readonly what: string;
  readonly measured: string;
  /** Smallest and largest figure a single round gave, each target against its neighbour in the same round. */
  readonly range: string;
  readonly goal: string;
  readonly verdict: "met" | "missed" | "for information";
}

/** What was measured, and what it is held to. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  /** The same figure from each round alone. */
  readonly perRound: readonly number[];
  readonly render: (value: number) => string;
  /** The limit; a row without one only informs. */
  readonly max?: number;
  readonly min?: number;
}

/** A ratio. */
export const times = (value: number): string => `${value.toFixed(2)}x`;
/** Milliseconds. */
export const ms = (value: number): string => `${value.toFixed(3)} ms`;
/** Bytes, in millions. */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** The row of a figure, with its verdict. */
export const toRow = ({ what, value, perRound, render, max, min }: Figure): GoalRow => {
  const range = `${render(Math.min(...perRound))} to ${render(Math.max(...perRound))}`;
  const row = { what, measured: render(value), range };
  if (max !== undefined) {
    return { ...row, goal: `at most ${render(max)}`, verdict: value <= max ? "met" : "missed" };
  }
  if (min !== undefined) {
    return { ...row, goal: `at least ${render(min)}`, verdict: value >= min ? "met" : "missed" };
  }
  return { ...row, goal: "", verdict: "for information" };
};

/** Combines two series of the same rounds: from their medians, and round by round. */
export const compare = (
  ours: readonly number[],
  theirs: readonly number[],
  combine: (our: number, their: number) => number,
): Pick<Figure, "value" | "perRound"> => ({
  value: combine(median(ours), median(theirs)),
  perRound: ours.map((our, round) => combine(our, theirs[round] ?? Number.NaN)),
});

/** For {@link compare}. */
export const ratio = (our: number, their: number): number => our / their;

/** A table in Markdown. */
export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");

/** The table of goals. */
export const renderGoals = (goals: readonly GoalRow[]): string =>
  table(
    ["what", "measured", "single rounds", "goal", "verdict"],
    goals.map(({ what, measured, range, goal, verdict }) => [what, measured, range, goal, verdict]),
  );
