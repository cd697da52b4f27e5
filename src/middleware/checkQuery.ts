// Queries of lists: refused where PocketBase would surely refuse them too, before it has to read them.
import { Refusal } from "../errors.ts";
import { type Exchange, rankOf } from "../exchange.ts";
import type { Collection } from "../pocketbase/collection.ts";
import type { Schema } from "../pocketbase/liveSchema.ts";
import { judgeQuery, type QueryFault } from "../rules/judgeQuery.ts";
import type { Services } from "../services.ts";
import { readGoQuery } from "../utils/goQuery.ts";
import { RecentMap } from "../utils/recentMap.ts";

const LIST = /^\/api\/collections\/([^/]+)\/records$/;
/** Verdicts that are kept, and the longest query whose verdict is. */
const KEPT_MAX = 2_048;
const KEPT_CHARS_MAX = 512;

/** @throws Refusal `query_invalid`. */
export type CheckQuery = (exchange: Exchange) => undefined | Promise<undefined>;

export const createCheckQuery = ({ collections }: Services): CheckQuery => {
  // Queries that are fine, under the schema of this version. The same few come again and again.
  const fine = new Map<boolean, RecentMap<true>>();
  let version = -1;
  // What was fine for requests that are alike.
  const fineBefore = new WeakMap<object, { readonly version: number; readonly isSuperuser: boolean }>();

  const fineFor = (schema: Schema, isSuperuser: boolean): RecentMap<true> => {
    if (schema.version !== version) fine.clear();
    version = schema.version;
    const known = fine.get(isSuperuser) ?? new RecentMap<true>(KEPT_MAX);
    fine.set(isSuperuser, known);
    return known;
  };

  const faultOf = (schema: Schema, segment: string, ask: Ask): QueryFault | undefined => {
    const base = schema.find(segment);
    // A missing collection and a closed one have answers of their own, which come first.
    if (base === undefined || isClosed(base, ask)) return undefined;
    const { find } = schema;
    return judgeQuery(readGoQuery(ask.query), { find, base, isPrivileged: ask.isSuperuser });
  };

  // Asked again before anybody is refused: the collections may have changed a moment ago.
  const refuse = async (segment: string, ask: Ask): Promise<undefined> => {
    if (!(await collections.confirm(0))) return undefined;
    const fault = faultOf(collections.current(), segment, ask);
    if (fault === undefined) return undefined;
    const { parameter, message } = fault;
    const data =
      message === undefined ? {} : { [parameter]: { code: `validation_invalid_${parameter}`, message } };
    throw new Refusal("query_invalid", { data });
  };

  const check = (path: string, ask: Ask, schema: Schema): undefined | Promise<undefined> => {
    const segment = LIST.exec(path)?.[1];
    if (segment === undefined) return undefined;
    const known = fineFor(schema, ask.isSuperuser);
    const key = `${segment}?${ask.query}`;
    if (known.get(key) === true) return undefined;
    if (faultOf(schema, segment, ask) !== undefined) return refuse(segment, ask);
    if (ask.query.length <= KEPT_CHARS_MAX) known.set(key, true);
    return undefined;
  };

  return ({ alike, path, principal, query }) => {
    if (query === "") return undefined;
    const rank = rankOf(principal);
    if (rank === "unsure") return undefined;
    const schema = collections.current();
    const isSuperuser = rank === "superuser";
    const before = alike === undefined ? undefined : fineBefore.get(alike);
    if (before?.version === schema.version && before.isSuperuser === isSuperuser) return undefined;
    const refused = check(path, { query, isSuperuser }, schema);
    if (refused === undefined && alike !== undefined)
      fineBefore.set(alike, { version: schema.version, isSuperuser });
    return refused;
  };
};

interface Ask {
  readonly query: string;
  readonly isSuperuser: boolean;
}

const isClosed = ({ rules }: Collection, { isSuperuser }: Ask): boolean =>
  rules.list === null && !isSuperuser;
