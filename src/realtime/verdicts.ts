// Who of many callers may see one event, by rules that follow from the record and the caller's id. Tells nobody.

type RecordValues = Readonly<Record<string, unknown>>;

/** What a record may have been when PocketBase judged an event, at least one. */
export type RecordStates = readonly RecordValues[];

/** A rule that Hapta can decide for the callers of one collection. */
export interface Rule {
  readonly collectionId: string;
  /** Whether it holds; undefined when that is PocketBase's to say after all. Of no caller: whom it does not name. */
  holds(record: RecordValues, callerId: string | undefined): boolean | undefined;
  /** The ids that it compares the caller's with: all callers with other ids are equal to it. */
  idsIn(record: RecordValues): readonly string[];
  /** An event's text as callers are shown it; undefined when it is not understood. */
  shown(text: string): string | undefined;
}

interface Occurrence {
  readonly text: string;
  readonly states: RecordStates;
}

/** Who hears `data`, and who hears that something may have been missed (undefined). Nobody else hears anything. */
interface Verdicts<T> {
  /** Undefined when nobody can say what is shown: then all are to hear of a gap. */
  readonly data: string | undefined;
  readonly verdicts: readonly (readonly [T, true | undefined])[];
}

/**
 * Judges an event. What not all rules, or not all states, say alike is not certain.
 *
 * @param rules - The rule in force and those that may have been, at least one. @param callers - By id.
 * Costs a look-up for each id in the record, and a look at all callers only when strangers may see it.
 */
export const verdictsOn = <T>(
  { text, states }: Occurrence,
  rules: readonly Rule[],
  callers: ReadonlyMap<string, T>,
): Verdicts<T> => {
  const verdicts: [T, true | undefined][] = [];
  const judge = (callerId: string | undefined): boolean | undefined =>
    common(rules.flatMap((rule) => states.map((record) => rule.holds(record, callerId))));
  const named = new Set(rules.flatMap((rule) => states.flatMap((record) => rule.idsIn(record))));
  for (const id of named) {
    const caller = callers.get(id);
    const verdict = caller === undefined ? false : judge(id);
    if (caller !== undefined && verdict !== false) verdicts.push([caller, verdict]);
  }
  const others = judge(undefined);
  if (others !== false)
    for (const [id, caller] of callers) if (!named.has(id)) verdicts.push([caller, others]);
  const data = verdicts.length === 0 ? undefined : common(rules.map((rule) => rule.shown(text)));
  return { data, verdicts };
};

const common = <T>(values: readonly (T | undefined)[]): T | undefined =>
  values.every((value) => value === values[0]) ? values[0] : undefined;
