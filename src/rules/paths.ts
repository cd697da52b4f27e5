// Follows the names of a filter or sort through the schema: which collections they lead to, and which names
// PocketBase refuses. Looks at no records and decides nothing about sharing.
import { type Collection, type CollectionField, isMultiple, textOption } from "../pocketbase/collection.ts";
import { indexesOf } from "../pocketbase/indexes.ts";
import { comparisonsOf, type Expression, type Operand, operandsOf } from "./expression.ts";
import type { FilterProblem } from "./filterError.ts";
import { checkCall } from "./functions.ts";
import { mayBecomeName, type Name, splitModifier, toBackRelation, toName } from "./names.ts";
import type { SortKey } from "./parseSort.ts";

/** Where a name starts from. */
export interface PathContext {
  /** The collection with this exact id, or this name whatever its case. */
  readonly find: (nameOrId: string) => Collection | undefined;
  readonly base: Collection;
  /** Hidden fields and locked collections count: for rules, and for superusers. */
  readonly isPrivileged: boolean;
}

/** A field that a path reads, and whose it is. */
interface FieldRead {
  readonly collection: Collection;
  readonly field: string;
}

/**
 * The collections a path joins, in order, every field it reads on its way, and how many of the steps may lead to several
 * records; or why PocketBase refuses it.
 */
export type Walk =
  | {
      readonly ok: true;
      readonly joined: readonly Collection[];
      readonly reads: readonly FieldRead[];
      readonly manyCount: number;
    }
  | { readonly ok: false; readonly reason: string };

/** Segments before the last one that PocketBase follows. */
const RELATIONS_MAX = 6;

/**
 * Follows a path of fields from the base collection. PocketBase 0.36 or later; O(length of the path).
 * @param path - Segments, a modifier still on the last one.
 */
export const walkPath = (path: readonly string[], context: PathContext): Walk => {
  const joined: Collection[] = [];
  const reads: FieldRead[] = [];
  let [current, manyCount] = [context.base, 0];
  for (const [index, segment] of path.slice(0, -1).entries()) {
    const field = current.fieldByName.get(segment);
    if (isLocked(field, context)) return refused(`${segment} can't be filtered by.`);
    const own = { collection: current, field: segment };
    if (endsAt(field, path.slice(index + 1))) return { ok: true, joined, reads: [...reads, own], manyCount };
    if (index >= RELATIONS_MAX) return refused(`Relations are followed ${RELATIONS_MAX} deep.`);
    const step = field === undefined ? backwards(segment, current, context) : forwards(field, context);
    if (typeof step === "string") return refused(step);
    reads.push(field === undefined ? readBack(step.to, segment) : own);
    joined.push(step.to);
    manyCount += step.manyCount;
    current = step.to;
  }
  const last = path.at(-1) ?? "";
  reads.push({ collection: current, field: splitModifier(last).name });
  return reasonAtEnd(last, current, context) ?? { ok: true, joined, reads, manyCount };
};

const readBack = (collection: Collection, segment: string): FieldRead => ({
  collection,
  field: toBackRelation(segment)?.field ?? "",
});

const isLocked = (field: CollectionField | undefined, context: PathContext): boolean =>
  field?.isHidden === true && !context.isPrivileged;

// What follows is inside the field's own value, or is the id that a single relation holds anyway.
const endsAt = (field: CollectionField | undefined, rest: readonly string[]): boolean => {
  if (field === undefined) return false;
  if (field.type === "json" || field.type === "geoPoint") return true;
  return field.type === "relation" && !isMultiple(field) && rest.length === 1 && rest[0] === "id";
};

const refused = (reason: string): Walk => ({ ok: false, reason });

/** Where one relation leads; a text says why nowhere. */
type Step = { readonly to: Collection; readonly manyCount: 0 | 1 } | string;

const forwards = (field: CollectionField, context: PathContext): Step => {
  if (field.type !== "relation") return `${field.name} is not a relation.`;
  const target = entered(context.find(textOption(field, "collectionId")), context);
  if (target === undefined) return `${field.name} leads nowhere.`;
  return typeof target === "string" ? target : { to: target, manyCount: isMultiple(field) ? 1 : 0 };
};

const backwards = (segment: string, current: Collection, context: PathContext): Step => {
  const back = toBackRelation(segment);
  const source = back === undefined ? undefined : context.find(back.collection);
  const field = source?.fieldByName.get(back?.field ?? "");
  if (source === undefined || field?.type !== "relation" || isLocked(field, context))
    return `${current.name} has no field ${segment}.`;
  if (textOption(field, "collectionId") !== current.id) return `${segment} does not lead to ${current.name}.`;
  const reason = entered(source, context);
  return typeof reason === "string" ? reason : { to: source, manyCount: isUnique(source, field) ? 0 : 1 };
};

const isUnique = (collection: Collection, { name }: CollectionField): boolean =>
  indexesOf(collection).some(
    (index) =>
      index.isUnique && !index.isPartial && index.columns.length === 1 && index.columns[0]?.name === name,
  );

// Since 0.31 everybody but superusers and rules needs a list rule on the way.
const entered = (
  collection: Collection | undefined,
  context: PathContext,
): Collection | string | undefined =>
  collection?.rules.list === null && !context.isPrivileged
    ? `${collection.name} can be filtered by superusers only.`
    : collection;

const reasonAtEnd = (segment: string, current: Collection, context: PathContext): Walk | undefined => {
  const { name, modifier } = splitModifier(segment);
  if (modifier === "?") return refused(`${segment} has an unknown modifier.`);
  const field = current.fieldByName.get(name);
  if (field === undefined) return refused(`${current.name} has no field ${name}.`);
  return isLocked(field, context) ? refused(`${name} can't be filtered by.`) : undefined;
};

/**
 * What PocketBase has against a filter because of its names and functions; undefined when there is nothing.
 * Parts of the request are taken as they come. Problems that are certain come first.
 */
export const checkFilter = (expression: Expression, context: PathContext): FilterProblem | undefined => {
  let doubt: FilterProblem | undefined;
  for (const { left, right } of comparisonsOf(expression)) {
    for (const operand of [...operandsOf(left), ...operandsOf(right)]) {
      const problem = checkOperand(operand, context);
      if (problem?.isCertain === true) return problem;
      doubt ??= problem;
    }
  }
  return doubt;
};

const checkOperand = (operand: Operand, context: PathContext): FilterProblem | undefined => {
  if (operand.kind === "function") return checkCall(operand);
  if (operand.kind !== "identifier") return undefined;
  const name = toName(operand.name);
  // A field may have such a name; when none has, it is a value.
  if (name.kind === "word" || name.kind === "macro") return undefined;
  return checkName(operand.name, operand.start, context);
};

/** As {@link checkFilter}, for a sort. */
export const checkSort = (keys: readonly SortKey[], context: PathContext): FilterProblem | undefined => {
  const problems = keys.map(({ name, start }) => checkKey(name, start, context));
  return problems.find((problem) => problem?.isCertain === true) ?? problems.find(Boolean);
};

const checkKey = (name: string, start: number, context: PathContext): FilterProblem | undefined => {
  if (name === "@random" || (name === "@rowid" && context.base.type !== "view")) return undefined;
  const { kind } = toName(name);
  const isValue = kind === "macro" || kind === "method" || kind === "context" || name === "@rowid";
  if (isValue) return { message: `${name} can't be sorted by.`, position: start, isCertain: true };
  return checkName(name, start, context);
};

const checkName = (text: string, position: number, context: PathContext): FilterProblem | undefined => {
  const name = toName(text);
  if (name.kind === "unknown")
    return { message: `There is no ${text}.`, position, isCertain: !mayBecomeName(text) };
  const message = reasonAgainst(name, context);
  return message === undefined ? undefined : { message, position, isCertain: true };
};

const reasonAgainst = (name: Name, context: PathContext): string | undefined => {
  if (name.kind === "field" || name.kind === "word") return reasonOf(walkPath(name.path, context));
  if (name.kind !== "collection") return undefined;
  const base = context.find(name.collection);
  if (base === undefined) return `There is no collection ${name.collection}.`;
  return reasonOf(walkPath(name.path, { ...context, base, isPrivileged: true }));
};

const reasonOf = (walk: Walk): string | undefined => (walk.ok ? undefined : walk.reason);
