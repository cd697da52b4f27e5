// Who may share the answer of a read, and what it depends on: read from the rules of every collection the read
// touches. Knows no caller but their collection, keeps no answer. What it does not understand, nobody shares.
import type { Collection } from "../pocketbase/collection.ts";
import { equalitiesOf } from "./equalities.ts";
import type { Expression, Operand } from "./expression.ts";
import { comparisonsOf, operandsOf } from "./expression.ts";
import { FUNCTIONS, readsClock } from "./functions.ts";
import { toBackRelation, toName } from "./names.ts";
import { type Need, type NeedPart, Needs } from "./needs.ts";
import { parseExpand } from "./parseExpand.ts";
import { parseFilter, parseRule } from "./parseFilter.ts";
import { parseSort } from "./parseSort.ts";
import { type PathContext, walkPath } from "./paths.ts";
import { shownFields } from "./shownFields.ts";
import { viewSources } from "./viewSources.ts";

/**
 * From the widest to the narrowest:
 * - `public`: everybody gets the same. `kind`: all guests do, and all records of one auth collection do.
 * - `principal`: all guests get the same, each record something of its own. `nobody`: it may differ each time.
 */
const SHARINGS = ["public", "kind", "principal", "nobody"] as const;
/** One of {@link SHARINGS}. */
type Sharing = (typeof SHARINGS)[number];

/** A read by anybody but a superuser. */
export interface ScopeQuestion {
  /** The collection with this exact id, or this name whatever its case. */
  readonly find: (nameOrId: string) => Collection | undefined;
  readonly collection: Collection;
  readonly operation: "list" | "view";
  /** As decoded from the query; undefined or empty when absent. */
  readonly filter: string | undefined;
  readonly sort: string | undefined;
  readonly expand: string | undefined;
  readonly fields: string | undefined;
  /** The auth collection of who asks; undefined for guests. */
  readonly caller: Collection | undefined;
}

/** What a read's answer may be kept for. */
export interface Scope {
  readonly sharing: Sharing;
  /** Why it is not shared wider, in a few words. */
  readonly reason: string;
  /**
   * Ids of the collections whose records decide about the answer; never those of views. The caller's own record
   * always does as well, unless the answer is public.
   */
  readonly collections: ReadonlySet<string>;
  /** The same with what of them decides. */
  readonly needs: ReadonlyMap<string, Need>;
  /** A rule reads query parameters, so none of them may be left out of a key. */
  readonly readsQuery: boolean;
}

/** Judges a read. Total: what is not understood is shared by nobody. O(length of the texts and rules). */
export const scopeOf = (question: ScopeQuestion): Scope => {
  const judge = new Judge(question);
  judge.read();
  return judge;
};

const UNDERSTOOD_MAX = 200;

class Judge implements Scope {
  sharing: Sharing = "public";
  reason = "no rule asks who reads";
  readsQuery = false;
  readonly #needs = new Needs();
  readonly #question: ScopeQuestion;
  /** Rules that were looked at, by collection and kind: many paths lead to the same ones. */
  readonly #seen = new Set<string>();

  constructor(question: ScopeQuestion) {
    this.#question = question;
  }

  get needs(): Map<string, Need> {
    return this.#needs.byCollection;
  }

  get collections(): ReadonlySet<string> {
    return new Set(this.needs.keys());
  }

  read(): void {
    const { collection, operation, filter = "", sort = "", expand = "", fields = "" } = this.#question;
    const shown = operation === "list" ? shownFields(fields, collection) : undefined;
    this.#depend(collection, { shown: shown ?? "any", reach: "read" });
    this.#rule(collection, operation);
    this.#shown(collection);
    if (operation === "list" && filter !== "") this.#filter(collection, filter);
    if (operation === "list" && sort !== "") this.#sort(collection, sort);
    if (expand !== "") this.#expand(collection, expand);
    this.#share();
  }

  // Only where the collection is nothing but the base: a record that is joined or expanded may be any.
  #share(): void {
    const { collection, operation, filter = "" } = this.#question;
    const need = this.needs.get(collection.id);
    if (need === undefined || need.reach !== "read" || operation !== "list") return;
    const rule = collection.rules.list ?? "";
    const parsed = [
      rule === "" ? undefined : parseRule(rule),
      filter === "" ? undefined : parseFilter(filter),
    ];
    const expressions = parsed.flatMap((one) => (one?.ok === true ? [one.value] : []));
    this.needs.set(collection.id, { ...need, equalities: equalitiesOf(expressions, collection) });
  }

  #narrow(to: Sharing, reason: string): void {
    if (SHARINGS.indexOf(to) <= SHARINGS.indexOf(this.sharing)) return;
    this.sharing = to;
    this.reason = reason;
  }

  #depend(collection: Collection, part: NeedPart): void {
    if (collection.type !== "view") {
      this.#needs.add(collection, part);
      if (collection.type === "other") this.#narrow("nobody", `${collection.name} is of an unknown type`);
      return;
    }
    const sources = viewSources(collection, this.#question.find);
    if (sources === undefined) return this.#narrow("nobody", `the view ${collection.name} is not understood`);
    for (const source of sources) this.#needs.add(source, { shown: "any", reach: "joined" });
  }

  /** Records of a collection may stand in the answer: an e-mail address is not there for everybody. */
  #shown(collection: Collection): void {
    if (collection.type !== "auth") return;
    this.#narrow("principal", `who sees e-mail addresses of ${collection.name} depends on who asks`);
    if (this.#question.caller !== undefined) this.#rule(collection, "manage");
  }

  #rule(collection: Collection, kind: "list" | "view" | "manage"): void {
    const rule = collection.rules[kind];
    const mark = `${collection.id} ${kind}`;
    if (rule === null || rule === "" || this.#seen.has(mark)) return;
    this.#seen.add(mark);
    const parsed = parseRule(rule);
    const name = `${collection.name}'s ${kind} rule`;
    if (!parsed.ok) return this.#narrow("nobody", `${name} is not understood`);
    this.#expression(parsed.value, { name, base: collection, isRule: true });
  }

  #filter(base: Collection, text: string): void {
    const parsed = parseFilter(text);
    if (!parsed.ok) return this.#narrow("nobody", "the filter is not understood");
    this.#expression(parsed.value, { name: "the filter", base, isRule: false });
  }

  #sort(base: Collection, text: string): void {
    const parsed = parseSort(text);
    if (!parsed.ok) return this.#narrow("nobody", "the sort is not understood");
    for (const { name } of parsed.value) {
      if (name === "@rowid") continue;
      if (toName(name).kind !== "field") return this.#narrow("nobody", `it is sorted by ${name}`);
      this.#name(name, { name: "the sort", base, isRule: false });
    }
  }

  #expand(base: Collection, text: string): void {
    const paths = parseExpand(text, UNDERSTOOD_MAX);
    if (paths === undefined) return this.#narrow("nobody", "the expand is not understood");
    for (const path of paths) {
      let current: Collection = base;
      for (const segment of path) {
        const next = this.#expanded(current, segment);
        if (next === undefined) return this.#narrow("nobody", `expand ${segment} is not understood`);
        this.#depend(next, { shown: "any", reach: "joined" });
        if (current.fieldByName.has(segment)) this.#depend(current, { deciding: [segment], reach: "read" });
        this.#rule(next, "view");
        this.#shown(next);
        current = next;
      }
    }
  }

  #expanded(current: Collection, segment: string): Collection | undefined {
    const { find } = this.#question;
    const field = current.fieldByName.get(segment);
    if (field?.type === "relation") return find(String(field.options["collectionId"] ?? ""));
    const [, legacy, legacyField] = /^(\w+)\((\w+)\)$/.exec(segment) ?? [];
    const back = toBackRelation(segment);
    const source = find(legacy ?? back?.collection ?? "");
    const named = source?.fieldByName.get(legacyField ?? back?.field ?? "");
    return named?.type === "relation" && named.options["collectionId"] === current.id ? source : undefined;
  }

  #expression(expression: Expression, place: Place): void {
    for (const { left, operator, right } of comparisonsOf(expression)) {
      const isEquality = /^\??!?=$/.test(operator);
      this.#operand(left, place, isEquality && isEmptyText(right));
      this.#operand(right, place, isEquality && isEmptyText(left));
    }
  }

  #operand(operand: Operand, place: Place, isAskedIfEmpty: boolean): void {
    for (const inner of operandsOf(operand)) {
      if (inner.kind === "identifier") this.#name(inner.name, { ...place, isAskedIfEmpty });
      else if (inner.kind === "function" && (!FUNCTIONS.has(inner.name) || readsClock(inner)))
        this.#narrow("nobody", `${place.name} calls ${inner.name}`);
    }
  }

  #name(text: string, place: Place): void {
    const name = toName(text);
    const nobody = (): void => this.#narrow("nobody", `${place.name} reads ${text}`);
    switch (name.kind) {
      case "context":
        return;
      case "macro":
      case "method":
      case "unknown":
        return nobody();
      case "word":
        if (place.base.fieldByName.has(name.path[0] ?? "")) nobody();
        return;
      case "field":
        return this.#walk(name.path, place);
      case "collection": {
        const base = this.#question.find(name.collection);
        if (base === undefined) return nobody();
        this.#depend(base, { reach: "joined" });
        return this.#walk(name.path, { ...place, base, isRule: true });
      }
      case "request":
        if (name.part === "auth") return this.#auth(name.path, place);
        if (name.part !== "query") return nobody();
        this.readsQuery = true;
    }
  }

  #auth(path: readonly string[], place: Place): void {
    const [first = "", ...rest] = path;
    const reason = `${place.name} reads @request.auth.${path.join(".")}`;
    const isOfKind = first === "collectionId" || first === "collectionName";
    const isWhether = first === "id" && place.isAskedIfEmpty === true;
    this.#narrow(rest.length === 0 && (isOfKind || isWhether) ? "kind" : "principal", reason);
    const { caller } = this.#question;
    if (rest.length > 0 && caller !== undefined)
      this.#walk(path, { ...place, base: caller, isRule: true, isCaller: true });
  }

  #walk(path: readonly string[], { base, isRule, name, isCaller }: Place): void {
    const context: PathContext = { find: this.#question.find, base, isPrivileged: isRule };
    const walk = walkPath(path, context);
    if (!walk.ok) return this.#narrow("nobody", `${name} reads ${path.join(".")}`);
    for (const { collection, field } of walk.reads) {
      const isJoined = walk.joined.includes(collection);
      // A caller's own record counts as such, whatever changes in it.
      if (isJoined || isCaller !== true)
        this.#depend(collection, { deciding: [field], reach: isJoined ? "joined" : "read" });
    }
    for (const joined of walk.joined) {
      // A client's filter sees of other collections what its list rule lets through.
      if (!isRule) this.#rule(joined, "list");
    }
  }
}

/** Where a name stands, and what its paths start from. */
interface Place {
  readonly name: string;
  readonly base: Collection;
  /** In a rule everything may be read. */
  readonly isRule: boolean;
  /** It is compared with the empty text. */
  readonly isAskedIfEmpty?: boolean;
  /** The base is the record of who asks. */
  readonly isCaller?: boolean;
}

const isEmptyText = (operand: Operand): boolean => operand.kind === "text" && operand.value === "";
