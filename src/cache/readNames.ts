// Names that an operator gives to reads: `u/{username}` for the lists of one collection with a certain filter. A name is a
// second, shorter one beside the key; it decides nothing about who may share an answer.
import type { Parameters } from "./readKey.ts";

/** What a name stands for. Texts may hold placeholders such as `{username}`, which the name holds as well. */
export interface NamedReads {
  /** The collection's name or id. */
  readonly collection: string;
  /** The record's id, for reads of one record. */
  readonly record: string | undefined;
  /** Parameters that a read must have, decoded; it may have others beside them. */
  readonly query: Readonly<Record<string, string>>;
}

/** A read that may have a name. */
export interface NameableRead {
  readonly collection: { readonly name: string; readonly id: string };
  readonly recordId: string | undefined;
  readonly parameters: Parameters;
}

/** The name of a read; undefined when it has none. {@link CALLER} still stands in it. */
export type ReadNames = (read: NameableRead) => string | undefined;

/** The placeholder that needs no place in what is named: the id of the record that asks. */
export const CALLER = "{userId}";

const PLACEHOLDER = /\{(\w+)\}/g;
const VALUE_MAX = 255;

/** Makes the function that finds a read's name: that of the first entry which fits. */
export const createReadNames = (names: ReadonlyMap<string, NamedReads>): ReadNames => {
  const all = [...names].map(([name, reads]) => toReadName(name, reads));
  return (read) => {
    for (const nameOf of all) {
      const name = nameOf(read);
      if (name !== undefined) return name;
    }
    return undefined;
  };
};

const toReadName = (name: string, { collection: segment, record, query }: NamedReads): ReadNames => {
  const wanted = segment.toLowerCase();
  const recordTemplate = record === undefined ? undefined : toTemplate(record);
  const templates = Object.entries(query).map(([parameter, text]) => [parameter, toTemplate(text)] as const);
  return ({ collection, recordId, parameters }) => {
    if (collection.name.toLowerCase() !== wanted && collection.id !== segment) return undefined;
    const values = new Map<string, string>();
    if (recordTemplate === undefined ? recordId !== undefined : !recordTemplate(recordId, values))
      return undefined;
    for (const [parameter, template] of templates)
      if (!template(parameters.find(([one]) => one === parameter)?.[1], values)) return undefined;
    return name.replaceAll(PLACEHOLDER, (whole, placeholder: string) => values.get(placeholder) ?? whole);
  };
};

/** Whether a text fits, with the values of its placeholders; one that has a value already must have the same again. */
type Template = (text: string | undefined, values: Map<string, string>) => boolean;

const toTemplate = (template: string): Template => {
  const placeholders = placeholdersOf(template);
  // A value ends where the text behind it begins, so that there is one way to read it, in one pass.
  const pattern = new RegExp(
    `^${template
      .split(PLACEHOLDER)
      .map((piece, i, pieces) => (i % 2 === 0 ? RegExp.escape(piece) : valuePattern(pieces[i + 1] ?? "")))
      .join("")}$`,
    "su",
  );
  return (text, values) => {
    const found = text === undefined ? null : pattern.exec(text);
    if (found === null) return false;
    return placeholders.every((placeholder, i) => {
      const value = found[i + 1] ?? "";
      if (values.has(placeholder)) return values.get(placeholder) === value;
      values.set(placeholder, value);
      return true;
    });
  };
};

const valuePattern = (behind: string): string =>
  `([^\\s'"\\\\${behind === "" ? "" : RegExp.escape([...behind][0] ?? "")}]{1,${VALUE_MAX}})`;

const placeholdersOf = (text: string): string[] => [...text.matchAll(PLACEHOLDER)].map(([, one = ""]) => one);

/** What is wrong with names that are each well formed, in sentences with the fix: `[name, sentence]`. */
export const nameProblems = (
  names: ReadonlyMap<string, NamedReads>,
): readonly (readonly [name: string, problem: string])[] => {
  const problems: (readonly [string, string])[] = [];
  const shapes = new Map<string, string>();
  const meanings = new Map<string, string>();
  for (const [name, reads] of names) {
    const shape = name.replaceAll(PLACEHOLDER, "{}");
    const meaning = meaningOf(reads);
    for (const problem of [
      ...placeholderProblems(name, reads),
      taken(shapes.get(shape), "may be the same as", "change one"),
      taken(meanings.get(meaning), "names the same reads as", "remove one"),
    ])
      if (problem !== undefined) problems.push([name, problem]);
    shapes.set(shape, shapes.get(shape) ?? name);
    meanings.set(meaning, meanings.get(meaning) ?? name);
  }
  return problems;
};

const taken = (other: string | undefined, how: string, fix: string): string | undefined =>
  other === undefined ? undefined : `${how} "${other}"; ${fix}.`;

const meaningOf = ({ collection, record, query }: NamedReads): string =>
  JSON.stringify([
    collection.toLowerCase(),
    record?.replaceAll(PLACEHOLDER, "{}"),
    Object.entries(query)
      .map(([name, text]) => [name, text.replaceAll(PLACEHOLDER, "{}")])
      .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1)),
  ]);

const placeholderProblems = (name: string, { record = "", query }: NamedReads): string[] => {
  const texts = [record, ...Object.values(query)];
  const inReads = new Set(texts.flatMap(placeholdersOf));
  const inName = new Set(placeholdersOf(name));
  const problems: string[] = [];
  for (const one of inName)
    if (!inReads.has(one) && `{${one}}` !== CALLER)
      problems.push(`{${one}} has no value; put it into Record or Query as well.`);
  for (const one of inReads)
    if (!inName.has(one)) problems.push(`{${one}} is missing in the name; put it there as well.`);
  if ([name, ...texts].some((text) => text.includes("}{")))
    problems.push(
      "two placeholders stand side by side, so nobody knows where the first ends; put a text between them.",
    );
  return problems;
};
