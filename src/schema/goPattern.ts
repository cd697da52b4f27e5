// Runs patterns of Go's regexp as Go does: all ways through a pattern at the same time, so that no pattern and no text
// takes long. What it can't be certain of it leaves to PocketBase.
import { RecentMap } from "../utils/recentMap.ts";
import { isWord, type Pattern, readGoPattern } from "./goSyntax.ts";

/** Whether a text matches; undefined when that is PocketBase's to say. */
export type PatternTest = (text: string) => boolean | undefined;

type Step =
  | { readonly kind: "set"; readonly has: (code: number) => boolean }
  | { readonly kind: "start" | "end" | "boundary" | "inside" | "done" }
  | { readonly kind: "split"; readonly to: readonly number[] };

/** Longest program; repetitions are written out in it. */
const STEPS_MAX = 2_000;
/** Most work for one text: steps times characters, about 2 ms. */
const WORK_MAX = 100_000;

// Hundreds of collections share the few patterns of their ids.
const known = new RecentMap<PatternTest>(512);

/** Makes the test of a pattern. Never throws; tests are O(length of pattern times length of text), with a bound. */
export const toPatternTest = (pattern: string): PatternTest => {
  const test = known.get(pattern) ?? compiled(pattern);
  known.set(pattern, test);
  return test;
};

const compiled = (pattern: string): PatternTest => {
  const read = readGoPattern(pattern);
  const program: Step[] = [];
  if (read === undefined || !append(program, read.pattern)) return () => undefined;
  program.push({ kind: "done" });
  return (text) => {
    if (program.length * text.length > WORK_MAX || (read.foldsCase && ODD_CASES.test(text))) return undefined;
    return new Run(program, text).isMatch();
  };
};

// The long s and the Kelvin sign, which fold into ASCII letters.
const ODD_CASES = /[\u017f\u212a]/;

/** Writes a pattern behind what there is. @returns Whether there was room. */
const append = (program: Step[], pattern: Pattern): boolean => {
  if (program.length > STEPS_MAX) return false;
  switch (pattern.kind) {
    case "sequence":
      return pattern.parts.every((part) => append(program, part));
    case "choice":
      return appendChoice(program, pattern.parts);
    case "repeat":
      return appendRepeat(program, pattern);
    default:
      program.push(pattern);
      return true;
  }
};

const appendChoice = (program: Step[], parts: readonly Pattern[]): boolean => {
  const [first, ...others] = parts;
  if (first === undefined || others.length === 0) return first === undefined || append(program, first);
  const fork = program.push({ kind: "split", to: [] }) - 1;
  if (!append(program, first)) return false;
  const leave = program.push({ kind: "split", to: [] }) - 1;
  program[fork] = { kind: "split", to: [fork + 1, program.length] };
  const isWhole = appendChoice(program, others);
  program[leave] = { kind: "split", to: [program.length] };
  return isWhole;
};

const appendRepeat = (program: Step[], { part, least, most }: Pattern & { kind: "repeat" }): boolean => {
  for (let count = 0; count < least; count++) if (!append(program, part)) return false;
  if (most === Number.POSITIVE_INFINITY) return appendLoop(program, part);
  const forks: number[] = [];
  for (let count = least; count < most; count++) {
    forks.push(program.push({ kind: "split", to: [] }) - 1);
    if (!append(program, part)) return false;
  }
  for (const fork of forks) program[fork] = { kind: "split", to: [fork + 1, program.length] };
  return true;
};

const appendLoop = (program: Step[], part: Pattern): boolean => {
  const fork = program.push({ kind: "split", to: [] }) - 1;
  const isWhole = append(program, part);
  program.push({ kind: "split", to: [fork] });
  program[fork] = { kind: "split", to: [fork + 1, program.length] };
  return isWhole;
};

/** One text on its way through a program. */
class Run {
  readonly #program: readonly Step[];
  readonly #codes: readonly number[];
  /** Where in the text a step was reached last. */
  readonly #reached: Int32Array;
  #isDone = false;

  constructor(program: readonly Step[], text: string) {
    this.#program = program;
    this.#codes = Array.from(text, (one) => one.codePointAt(0) ?? 0);
    this.#reached = new Int32Array(program.length).fill(-1);
  }

  isMatch(): boolean {
    let waiting: number[] = [];
    for (let at = 0; at <= this.#codes.length && !this.#isDone; at++) {
      const code = this.#codes[at - 1];
      const next: number[] = [];
      for (const step of waiting) {
        const { kind, has } = this.#program[step] as Step & { kind: "set" };
        if (kind === "set" && code !== undefined && has(code)) this.#enter(step + 1, at, next);
      }
      // A match may begin anywhere.
      this.#enter(0, at, next);
      waiting = next;
    }
    return this.#isDone;
  }

  /** Goes on to the steps that wait for a character. */
  #enter(first: number, at: number, waiting: number[]): void {
    const open = [first];
    for (let step = open.pop(); step !== undefined; step = open.pop()) {
      const what = this.#program[step];
      if (what === undefined || this.#reached[step] === at) continue;
      this.#reached[step] = at;
      if (what.kind === "set") waiting.push(step);
      else if (what.kind === "split") open.push(...what.to);
      else if (what.kind === "done") this.#isDone = true;
      else if (this.#holds(what.kind, at)) open.push(step + 1);
    }
  }

  #holds(place: "start" | "end" | "boundary" | "inside", at: number): boolean {
    if (place === "start") return at === 0;
    if (place === "end") return at === this.#codes.length;
    const isEdge = isWord(this.#codes[at - 1] ?? -1) !== isWord(this.#codes[at] ?? -1);
    return isEdge === (place === "boundary");
  }
}
