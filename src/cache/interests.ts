// What answers depend on within a collection, and which of it a change touches. Everything in doubt is touched.
import type { RecordChange } from "./images.ts";
import { memberOf, recordsOf } from "./written.ts";

/** What decides about an answer within one collection. */
export interface Interest {
  readonly collectionId: string;
  /** In alphabetical order; undefined when any field may decide. */
  readonly fields: readonly string[] | undefined;
  /** Only records with this value count: a JSON text; undefined for all records. */
  readonly by: { readonly field: string; readonly value: string } | undefined;
}

/** What one change did to the answers there may be. */
export interface Touched {
  readonly names: readonly string[];
  /** How many kinds of interest there are in the collection, and how many of them it left alone, wholly or but for some values. */
  readonly kinds: number;
  readonly spared: number;
}

/** Kinds of interest that are told apart in one collection by their fields; further ones count as interested in all fields. */
const KINDS_MAX = 64;
/** A value that is longer is not told apart. */
const VALUE_CHARS_MAX = 256;

/** The end of the name that moves when a record changes of which nobody knows what value it had. */
const UNKNOWN = "~";

/** Interests that differ only in their value. */
interface Kind {
  readonly name: string;
  readonly fields: readonly string[] | undefined;
  readonly byField: string | undefined;
}

/** The kinds of interest there are, by collection. */
export class Interests {
  readonly #byCollection = new Map<string, Map<string, Kind>>();

  /**
   * The names of what an answer depends on: one for the kind, and one each for the value and for what nobody knows the value
   * of. Notes the kind.
   */
  namesOf({ collectionId, fields, by }: Interest): readonly string[] {
    const isPlain = fields === undefined && by === undefined;
    if (isPlain || (by !== undefined && by.value.length > VALUE_CHARS_MAX)) return [recordsOf(collectionId)];
    const name = `${recordsOf(collectionId)}/${fields?.join(",") ?? "*"}/${by?.field ?? ""}`;
    if (!this.#note(collectionId, { name, fields, byField: by?.field }))
      return this.namesOf({ collectionId, fields: undefined, by });
    if (by === undefined) return [name];
    const ofValue = `${name}=${by.value}`;
    return by.field === "id" ? [name, ofValue] : [name, name + UNKNOWN, ofValue];
  }

  /**
   * The names for an answer that shows all the records it is about: one that is not among them was of another value, so it
   * does not matter that nobody knows of which.
   * @param names - All that the answer depends on. @param recordIds - Of the collection that it lists.
   */
  wholeNamesOf(names: readonly string[], collectionId: string, recordIds: readonly string[]): string[] {
    const kinds = `${recordsOf(collectionId)}/`;
    const whole = names.filter((name) => !(name.startsWith(kinds) && name.endsWith(UNKNOWN)));
    return [...new Set([...whole, ...recordIds.map((id) => memberOf(collectionId, id))])];
  }

  /** What moves when a record has changed. */
  touchedBy(change: RecordChange): Touched {
    const kinds = this.#byCollection.get(change.collectionId) ?? NONE;
    const names = [recordsOf(change.collectionId)];
    let spared = 0;
    for (const kind of kinds.values()) {
      const values = isBeside(kind, change) ? [] : valuesOf(kind, change);
      if (values[0] !== "") spared += 1;
      for (const value of values) names.push(kind.name + value);
    }
    if (change.before === undefined && change.isAlone)
      names.push(memberOf(change.collectionId, change.recordId));
    return { names, kinds: kinds.size, spared };
  }

  /** What moves when anything in a collection may have changed. */
  allOf(collectionId: string): readonly string[] {
    const kinds = this.#byCollection.get(collectionId) ?? NONE;
    return [recordsOf(collectionId), ...[...kinds.values()].map(({ name }) => name)];
  }

  /** Forgets the kinds; whoever calls moves everything first. */
  clear(): void {
    this.#byCollection.clear();
  }

  #note(collectionId: string, kind: Kind): boolean {
    let kinds = this.#byCollection.get(collectionId);
    if (kinds === undefined) {
      kinds = new Map();
      this.#byCollection.set(collectionId, kinds);
    }
    if (kinds.has(kind.name)) return true;
    // Of kinds by value alone there are no more than fields: nobody can use up those.
    if (kind.fields !== undefined && kinds.size >= KINDS_MAX) return false;
    kinds.set(kind.name, kind);
    return true;
  }
}

const NONE: ReadonlyMap<string, Kind> = new Map();

/** Whether a change is of other fields alone. */
const isBeside = ({ fields }: Kind, { before, after }: RecordChange): boolean => {
  if (fields === undefined || before === undefined || after === undefined) return false;
  // One that comes or goes is everybody's concern.
  if (before.length === 0 || after.length === 0) return false;
  const images = [...before, ...after];
  return fields.every((name) => {
    const value = images[0]?.get(name);
    return value !== undefined && images.every((image) => image.get(name) === value);
  });
};

/** The ends of the names that a change moves: of the values the record may have had or has, or of the whole kind. */
const valuesOf = (
  { byField }: Kind,
  { recordId, before, after, isAlone }: RecordChange,
): readonly string[] => {
  if (byField === undefined) return [""];
  // Which record it is stays certain, whatever is not.
  if (byField === "id") return [`=${JSON.stringify(recordId)}`];
  if (after === undefined || (before === undefined && !isAlone)) return [""];
  const values = new Set<string>(before === undefined ? [UNKNOWN] : []);
  for (const image of [...(before ?? []), ...after]) {
    const value = image.get(byField);
    if (value === undefined) return [""];
    values.add(`=${value}`);
  }
  return [...values];
};
