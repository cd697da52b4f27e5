// Who of many callers may see what of one event, by rules that follow from the record and the caller's own. Tells nobody.

/** A record as a superuser sees it. */
export type RecordValues = Readonly<Record<string, unknown>>;

/** What a record may have been when PocketBase judged an event, at least one. */
export type RecordStates = readonly RecordValues[];

/** What a caller is shown of a record: none of it, all but its e-mail address, or all that anybody may see. */
type Sight = "nothing" | "withoutEmail" | "everything";
type Shown = Exclude<Sight, "nothing">;

/** A rule that Hapta can decide for guests or for the callers of one collection. */
export interface Rule {
  readonly collectionId: string;
  /** Stands for the callers' collection as it is: another object as soon as anything about it has changed. */
  readonly callers: object;
  /** It reads more of a caller than the id. */
  readonly readsCaller: boolean;
  /** What it says hangs on the record; false when it says the same of all. */
  readonly readsRecord: boolean;
  /**
   * What a caller is shown; undefined when that is PocketBase's to say after all.
   * @param caller - Undefined for those whom the rule does not name; its record is undefined when it is not known.
   */
  sight(
    record: RecordValues,
    caller: { readonly id: string; readonly record: RecordValues | undefined } | undefined,
  ): Sight | undefined;
  /** The ids that it compares the caller's with: unless it reads more, all callers with other ids are equal to it. */
  idsIn(record: RecordValues): readonly string[];
  /** An event's text as callers are shown it; undefined when it is not understood. */
  shown(text: string, sight: Shown): string | undefined;
}

interface Occurrence {
  readonly text: string;
  readonly states: RecordStates;
}

/** Those who listen. */
export interface Callers<T> {
  readonly byId: ReadonlyMap<string, T>;
  /** What the caller's record may have been; none when it is not known. */
  statesOf(caller: T): RecordStates;
}

/** Who hears which text, and who hears that something may have been missed (undefined). Nobody else hears anything. */
type Verdicts<T> = readonly (readonly [T, string | undefined])[];

/**
 * Judges an event. What not all rules, or not all states, say alike is not certain.
 *
 * @param rules - The rule in force and those that may have been, at least one.
 * Costs a look-up for each id in the record, and a look at all callers only when strangers may see it or a rule reads more of
 * them than the id.
 */
export const verdictsOn = <T>(
  { text, states }: Occurrence,
  rules: readonly Rule[],
  { byId, statesOf }: Callers<T>,
): Verdicts<T> => {
  const judge = (caller: Parameters<Rule["sight"]>[1]): Sight | undefined =>
    common(rules.flatMap((rule) => states.map((record) => rule.sight(record, caller))));
  const judgeOne = (id: string, caller: T): Sight | undefined => {
    const records = statesOf(caller);
    if (records.length === 0) return judge({ id, record: undefined });
    return common(records.map((record) => judge({ id, record })));
  };
  const texts: { [sight in Shown]?: string | undefined } = {};
  const textFor = (sight: Sight | undefined): string | undefined => {
    if (sight === undefined || sight === "nothing") return undefined;
    if (!(sight in texts)) texts[sight] = common(rules.map((rule) => rule.shown(text, sight)));
    return texts[sight];
  };
  const verdicts: [T, string | undefined][] = [];
  const add = (caller: T, sight: Sight | undefined): void => {
    if (sight !== "nothing") verdicts.push([caller, textFor(sight)]);
  };
  if (rules.some(({ readsCaller }) => readsCaller)) {
    for (const [id, caller] of byId) add(caller, judgeOne(id, caller));
    return verdicts;
  }
  const named = new Set(rules.flatMap((rule) => states.flatMap((record) => rule.idsIn(record))));
  for (const id of named) {
    const caller = byId.get(id);
    if (caller !== undefined) add(caller, judge({ id, record: undefined }));
  }
  const others = judge(undefined);
  if (others !== "nothing") for (const [id, caller] of byId) if (!named.has(id)) add(caller, others);
  return verdicts;
};

const common = <T>(values: readonly (T | undefined)[]): T | undefined =>
  values.every((value) => value === values[0]) ? values[0] : undefined;
