// What the stage `cache` knows about a read before it knows who asks: its key, who may share its answer, what that
// depends on. Remembers it for as long as the schema stays. Holds no answers.
import { PLANS_SHARE } from "../cache/cache.ts";
import type { Interest } from "../cache/interests.ts";
import { type Parameters, renderReadKey, toParameters } from "../cache/readKey.ts";
import { createReadNames, type ReadNames } from "../cache/readNames.ts";
import type { Exchange } from "../exchange.ts";
import type { Collection } from "../pocketbase/collection.ts";
import type { Schema } from "../pocketbase/liveSchema.ts";
import type { Equality } from "../rules/equalities.ts";
import type { Need } from "../rules/needs.ts";
import { type Scope, type ScopeQuestion, scopeOf } from "../rules/scope.ts";
import type { Services } from "../services.ts";
import type { Settings } from "../settings.ts";
import { RecentMap } from "../utils/recentMap.ts";

/** What a read depends on within one collection, as far as that can be said before who asks is known. */
interface PlannedNeed extends Omit<Interest, "by"> {
  readonly by: Equality | undefined;
}

/** A read that may be kept. */
export interface ReadPlan {
  readonly kind: "plan";
  /** Without who may share it. */
  readonly key: string;
  /** What an operator calls reads like this; may hold {@link CALLER}. */
  readonly name: string | undefined;
  /** The same for how many records a list has; undefined for what has no total, or one that may depend on the page. */
  readonly totalKey: string | undefined;
  readonly sharing: "public" | "kind" | "principal";
  /** Why it is not shared wider. */
  readonly reason: string;
  /** Ids of the collections it depends on. */
  readonly collectionIds: readonly string[];
  /** What of them it depends on. */
  readonly needs: readonly PlannedNeed[];
  /** The id of the collection whose records it lists by their ids, where only those count that have a certain value. */
  readonly listedId: string | undefined;
  /** Whether an answer of this status may be kept. */
  readonly keeps: (status: number) => boolean;
}

/** A read that may not, and why, as a word or two. */
export interface NoPlan {
  readonly kind: "none";
  readonly detail: string;
  readonly reason: string;
}

/** Who asks, as far as a plan needs to know: the id of their auth collection, undefined for guests. */
export type ReadPlans = (
  exchange: Pick<Exchange, "path" | "query">,
  cid: string | undefined,
) => ReadPlan | NoPlan;

const PATH = /^\/api\/collections\/(\w+)\/records(?:\/([\w.~-]+))?$/;
/** Parameters that PocketBase takes the first of; two of one are two meanings. */
const SINGLE = new Set(["page", "perPage", "sort", "filter", "skipTotal", "expand", "fields"]);
/** What a remembered plan takes beside its texts, of which there are three. */
const PLAN_BYTES = 2_000;

/** So many scopes are remembered, of texts up to this length: all pages of a list have one, and all records read alike. */
const SCOPES_MAX = 200;
const SCOPE_CHARS_MAX = 512;

type PlanServices = Pick<Services, "collections" | "settings" | "cache">;

/** Makes the function that plans reads; it remembers plans until the schema changes. */
export const createReadPlans = ({ collections, settings, cache: { unsteady } }: PlanServices): ReadPlans => {
  const { cache } = settings;
  const bytesMax = cache.bytesMax * PLANS_SHARE;
  const readNames = createReadNames(cache.names);
  const steady = (plan: ReadPlan | NoPlan): ReadPlan | NoPlan =>
    unsteady.size === 0 || plan.kind === "none" || !plan.collectionIds.some((id) => unsteady.has(id))
      ? plan
      : UNSTEADY;
  let schema: Schema | undefined;
  // By collection of who asks, then by path, then by query: a text made of all three would have to be made each time.
  let remembered = new Map<string, Map<string, Map<string, ReadPlan | NoPlan>>>();
  let scopes = new RecentMap<Scope>(SCOPES_MAX);
  let bytes = 0;

  return (exchange, cid = "") => {
    const { path, query } = exchange;
    const current = collections.current();
    if (current !== schema || bytes > bytesMax) {
      schema = current;
      remembered = new Map();
      scopes = new RecentMap(SCOPES_MAX);
      bytes = 0;
    }
    const known = remembered.get(cid)?.get(path)?.get(query);
    if (known !== undefined) return steady(known);
    const caller = cid === "" ? undefined : cid;
    const plan = planRead(exchange, {
      schema: current,
      cid: caller,
      isOff: (one) => isOff(cache, current, one),
      readNames,
      scopes,
    });
    const paths = remembered.get(cid) ?? new Map<string, Map<string, ReadPlan | NoPlan>>();
    remembered.set(cid, paths);
    paths.set(path, (paths.get(path) ?? new Map<string, ReadPlan | NoPlan>()).set(query, plan));
    bytes += PLAN_BYTES + 3 * (path.length + query.length);
    return steady(plan);
  };
};

// Named as PocketBase finds collections: by id or name, in any case.
const isOff = ({ collections }: Settings["cache"], schema: Schema, { id }: Collection): boolean =>
  [...collections].some(([name, { isEnabled }]) => !isEnabled && schema.find(name)?.id === id);

interface PlanContext {
  readonly schema: Schema;
  readonly cid: string | undefined;
  readonly isOff: (collection: Collection) => boolean;
  readonly readNames: ReadNames;
  readonly scopes: RecentMap<Scope>;
}

const none = (detail: string, reason: string): NoPlan => ({ kind: "none", detail, reason });

const UNSTEADY = none("unsteady", "PocketBase shows records in it differently each time");

const planRead = (
  { path, query }: Pick<Exchange, "path" | "query">,
  { schema, cid, isOff, readNames, scopes }: PlanContext,
): ReadPlan | NoPlan => {
  const [, segment = "", recordId] = PATH.exec(path) ?? [];
  const collection = schema.find(segment);
  if (segment === "" || collection === undefined)
    return none("path", "the path names no collection's records");
  const parameters = toParameters(query, SINGLE);
  if (parameters === undefined) return none("query", "the query may be read in more than one way");
  const caller = cid === undefined ? undefined : schema.find(cid);
  if (cid !== undefined && caller?.type !== "auth")
    return none("caller", "the caller's collection is not known");
  const operation = recordId === undefined ? "list" : "view";
  const scope = rememberedScope(scopes, {
    find: (nameOrId) => schema.find(nameOrId),
    collection,
    operation,
    filter: parameter(parameters, "filter"),
    sort: parameter(parameters, "sort"),
    expand: parameter(parameters, "expand"),
    fields: parameter(parameters, "fields"),
    caller,
  });
  if (scope.sharing === "nobody") return none("rule", scope.reason);
  const off = [...scope.collections]
    .map((id) => schema.find(id))
    .find((one) => one !== undefined && isOff(one));
  if (off !== undefined || isOff(collection)) return none("off", "it is switched off for a collection in it");
  const key = renderReadKey(
    recordId === undefined ? collection.name : `${collection.name}/${recordId}`,
    parameters,
  );
  const totalKey =
    operation === "list" && !scope.readsQuery ? totalKeyOf(collection.name, parameters) : undefined;
  const name = readNames({ collection, recordId, parameters });
  const needs = [...scope.needs].map((need) =>
    toNeed(need, recordId === undefined ? undefined : { collection, recordId }),
  );
  const keeps = keepsFor(collection.rules[operation], operation);
  const listedId =
    operation === "list" ? listedOf(needs, collection, parameter(parameters, "fields")) : undefined;
  return toPlan(collection, { key, name, totalKey, needs, listedId, keeps }, scope);
};

const rememberedScope = (scopes: RecentMap<Scope>, question: ScopeQuestion): Scope => {
  const { collection, operation, filter, sort, expand, fields, caller } = question;
  const key = JSON.stringify([collection.id, operation, caller?.id, filter, sort, expand, fields]);
  const known = scopes.get(key);
  if (known !== undefined) return known;
  const scope = scopeOf(question);
  if (key.length <= SCOPE_CHARS_MAX) scopes.set(key, scope);
  return scope;
};

// A read of one record depends on that one alone where nothing else leads to its collection.
const toNeed = (
  [collectionId, need]: readonly [string, Need],
  one: { readonly collection: Collection; readonly recordId: string } | undefined,
): PlannedNeed => {
  if (one?.collection.id === collectionId && need.reach === "read")
    return {
      collectionId,
      fields: undefined,
      by: { field: "id", value: { kind: "json", text: JSON.stringify(one.recordId) } },
    };
  const fields = need.shown && [...need.deciding.union(need.shown)].sort();
  return { collectionId, fields, by: rarestOf(need.equalities) };
};

// With a modifier, as in `id:excerpt(5)`, what stands for an id in the answer may be none.
const listedOf = (needs: readonly PlannedNeed[], { id }: Collection, fields = ""): string | undefined =>
  !fields.includes(":") && needs.some(({ collectionId, by }) => collectionId === id && by !== undefined)
    ? id
    : undefined;

// A value that few records have tells more changes apart.
const rarestOf = (equalities: readonly Equality[]): Equality | undefined =>
  equalities.find(({ value }) => value.kind === "caller") ??
  equalities.find(({ value }) => value.kind === "json" && value.text.startsWith('"')) ??
  equalities[0];

const toPlan = (
  { id }: Collection,
  read: Pick<ReadPlan, "key" | "name" | "totalKey" | "needs" | "listedId" | "keeps">,
  { sharing, reason, collections }: Scope,
): ReadPlan | NoPlan => {
  if (sharing === "nobody") return none("rule", reason);
  const collectionIds = [...collections];
  // No record of a view ever changes, but an operator may forget it by its name.
  const own = collections.has(id) ? [] : [{ collectionId: id, fields: undefined, by: undefined }];
  return { kind: "plan", ...read, needs: [...read.needs, ...own], sharing, reason, collectionIds };
};

/** What says which part of a list is shown, not which records are in it. */
const PAGING = new Set(["page", "perPage", "expand"]);
/** Fields of the record itself; other paths may leave records out, and so may addresses that are not for everybody. */
const isPlainSort = (sort: string): boolean =>
  sort.split(",").every((one) => /^[-+ ]?(?!email$)(?!.*_via_)\w+$/.test(one));

const totalKeyOf = (name: string, parameters: Parameters): string | undefined => {
  if (parameter(parameters, "skipTotal") !== undefined) return undefined;
  const counted = parameters.filter(
    ([one, value]) => !PAGING.has(one) && !(one === "sort" && isPlainSort(value)),
  );
  return renderReadKey(name, counted);
};

// A record that is not there, or not for the caller, depends on the same things as one that is. What is locked is
// refused by the schema alone. Everything else says nothing about the next time.
const keepsFor = (rule: string | null, operation: "list" | "view"): ReadPlan["keeps"] => {
  if (rule === null) return (status) => status === 403;
  return operation === "list" ? (status) => status === 200 : (status) => status === 200 || status === 404;
};

const parameter = (parameters: Parameters, name: string): string | undefined =>
  parameters.find(([one]) => one === name)?.[1];
