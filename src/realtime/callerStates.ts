// What the record of somebody who listens is, and was a moment ago: rules may read a role in it. Asks nobody.
import { isDeepStrictEqual } from "node:util";
import type { RecordStates, RecordValues } from "./verdicts.ts";

interface State {
  readonly values: RecordValues;
  readonly heardMs: number;
  /** Until when it was the record, as far as is known. */
  endedMs: number;
}

/**
 * How long PocketBase may have judged an event by a record that has changed since, or Hapta hear of the change late: the two
 * come in no order, 33 ms apart at most as measured.
 */
export const CALLER_LATE_MS = 250;
/** Of more changes than these at a time the oldest are forgotten: so many hardly say the same. */
const STATES_MAX = 16;

export class CallerStates {
  #states: readonly State[] = [];

  /** Takes in what the feed told: one more thing that the record may be, for changes come in no order. */
  hear(values: RecordValues, nowMs: number): void {
    const state = { values, heardMs: nowMs, endedMs: Number.POSITIVE_INFINITY };
    this.#states = [...this.#states, state].slice(-STATES_MAX);
  }

  /**
   * Takes in what PocketBase answered: that is the record now, and all that was heard before the question is over.
   *
   * @param values - Undefined when there is no such record. @param askedMs - When it was asked.
   */
  read(values: RecordValues | undefined, askedMs: number, nowMs: number): void {
    const known = this.#states.find((state) => isDeepStrictEqual(state.values, values));
    for (const state of this.#states)
      if (state !== known && state.heardMs <= askedMs) state.endedMs = Math.min(state.endedMs, nowMs);
    if (known !== undefined) known.endedMs = Number.POSITIVE_INFINITY;
    else if (values !== undefined) this.hear(values, askedMs);
    this.#prune(nowMs);
  }

  /** All that it may have been when an event that comes now was judged; none when it is not known. */
  at(nowMs: number): RecordStates {
    this.#prune(nowMs);
    return this.#states.map(({ values }) => values);
  }

  /** Changes may have been missed. */
  forget(): void {
    this.#states = [];
  }

  #prune(nowMs: number): void {
    this.#states = this.#states.filter(({ endedMs }) => nowMs - endedMs <= CALLER_LATE_MS);
  }
}
