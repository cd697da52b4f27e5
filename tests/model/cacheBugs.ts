// The bugs that the cache's model suite is proved with: each must be found by it.
import type { Plant } from "./plantedCopy.ts";

/** A bug of the cache. */
interface Bug extends Plant {
  readonly name: string;
  /** It shows only where something is known of what records were. */
  readonly isHurried?: boolean;
}

/** Each is planted alone. */
export const CACHE_BUGS: readonly Bug[] = [
  {
    name: "an answer is kept although something moved while it was made",
    file: "cache/cache.ts",
    from: "    if (!wide.holds()) {",
    to: "    wide = this.versions.lease(wide.dependencies.map(({ name }) => name));\n    if (!wide.holds()) {",
  },
  {
    name: "the key does not say who may share the answer",
    file: "middleware/cache.ts",
    from: 'return sharing === "kind" ?',
    to: 'return sharing !== "public" ?',
  },
  {
    name: "guests share with everybody who is signed in",
    file: "middleware/cache.ts",
    from: "  if (session === undefined) return",
    to: '  if (session === undefined || sharing === "kind") return',
  },
  {
    name: "cascades and unset references are forgotten",
    file: "cache/written.ts",
    from: "for (const other of schema.collections) {",
    to: "for (const other of schema.collections.slice(0, 0)) {",
  },
  {
    name: "a gap of the feed is ignored",
    file: "cache/followFeed.ts",
    from: "  changes.onGap((reason) => {",
    to: "  changes.onGap((reason) => {\n    if (reason !== reason.toUpperCase()) return;",
  },
  {
    name: "an expanded collection is no dependency",
    file: "rules/scope.ts",
    from: '        this.#depend(next, { shown: "any", reach: "joined" });\n',
    to: "",
  },
  {
    name: "a joined collection is no dependency",
    file: "rules/scope.ts",
    from: "if (isJoined || isCaller !== true)",
    to: "if (!isJoined && isCaller !== true)",
  },
  {
    name: "the caller's own record is no dependency",
    file: "middleware/cache.ts",
    from: "[...names, callerOf(session.cid, session.uid), callersOf(session.cid)]",
    to: "names",
  },
  {
    name: "the items of a batch are not noted",
    file: "cache/writtenBy.ts",
    from: "      return byBatch(items, collections);",
    to: "      return [];",
  },
  {
    name: "everybody sees the e-mail addresses of whoever asked first",
    file: "rules/scope.ts",
    from: 'this.#narrow("principal", `who sees',
    to: 'this.#narrow("public", `who sees',
  },
  {
    name: "a change of the schema is ignored",
    file: "cache/followFeed.ts",
    from: '  collections.onChange(() => cached.remake("a change of the schema"));',
    to: "",
  },
  {
    name: "a write counts only once its client was answered",
    file: "pipeline.ts",
    from: "    traced.exchange?.whenDone?.(answer.status);",
    to: "    const { exchange } = traced;\n    setTimeout(() => exchange?.whenDone?.(answer.status), 20);",
  },
  {
    name: "a list keeps what has left it by getting another value",
    file: "cache/interests.ts",
    from: "  for (const image of [...(before ?? []), ...after]) {",
    to: "  for (const image of after) {",
    isHurried: true,
  },
  {
    name: "values are compared whatever their case",
    file: "cache/interests.ts",
    from: "    const value = image.get(byField);\n    if",
    to: "    const value = image.get(byField)?.toLowerCase();\n    if",
    isHurried: true,
  },
  {
    name: "one of several possible values is taken for the only one",
    file: "rules/equalities.ts",
    from: 'expression.kind === "and" ?',
    to: 'expression.kind !== "comparison" ?',
    isHurried: true,
  },
  {
    name: "what a list filters or sorts by, and does not show, is nobody's concern",
    file: "rules/scope.ts",
    from: "{ deciding: [field], reach:",
    to: "{ deciding: isJoined ? [field] : [], reach:",
    isHurried: true,
  },
  {
    name: "a record that is expanded or joined is taken for the one that is read",
    file: "middleware/readPlan.ts",
    from: ' && need.reach === "read")',
    to: ")",
  },
  {
    name: "whatever the feed tells of a record is taken for the write under way",
    file: "cache/hearWrite.ts",
    from: "if (told.recordId !== recordId || told.action !== ACTIONS[method]) return false;",
    to: "return true;",
  },
  {
    name: "what a record was is taken from what it is",
    file: "cache/images.ts",
    from: "before: isKnown ? images : undefined",
    to: "before: isKnown ? [image] : undefined",
    isHurried: true,
  },
  {
    name: "null is a value of its own",
    file: "rules/equalities.ts",
    from: "  // What is no whole text may",
    to: '  if (value.kind === "identifier" && value.name === "null")\n    return { field: field.name, value: { kind: "json", text: "null" } };\n  // What is no whole text may',
    isHurried: true,
  },
  {
    name: "a list that shows all its records does not hear of them",
    file: "cache/interests.ts",
    from: "[...whole, ...recordIds.map((id) => memberOf(collectionId, id))]",
    to: "whole",
    isHurried: true,
  },
  {
    name: "a record of which nothing is known has no value but its new one",
    file: "cache/interests.ts",
    from: "new Set<string>(before === undefined ? [UNKNOWN] : [])",
    to: "new Set<string>()",
    isHurried: true,
  },
  {
    name: "a read that shows a write does not wait until that counts",
    file: "middleware/readThrough.ts",
    from: "    if (settled !== undefined) await settled;",
    to: "    void settled;",
  },
  {
    name: "raw SQL counts only when the schema was read again",
    file: "middleware/noteWrite.ts",
    from: 'outcome === "done") void collections.refresh();',
    to: 'outcome === "done") return void collections.refresh().then(() => write.end("done"));',
  },
  {
    name: "what a header decides is shared",
    file: "rules/scope.ts",
    from: 'if (name.part !== "query") return nobody();',
    to: 'if (name.part !== "query") return;',
  },
  {
    name: "the clock is taken for a constant",
    file: "rules/scope.ts",
    from: '      case "macro":\n',
    to: '      case "macro":\n        return;\n',
  },
  {
    name: "a view depends on nothing",
    file: "rules/scope.ts",
    from: "for (const source of sources)",
    to: "for (const source of [...sources].slice(0, 0))",
  },
  {
    name: "a feed that says nothing is trusted",
    file: "pocketbase/feedTrust.ts",
    from: "return this.#clock.now() - heardMs < this.#times.trustMs;",
    to: "return true;",
  },
  {
    name: "the key does not hold the parameters that only a rule reads",
    file: "cache/readKey.ts",
    from: "      found.push([name,",
    to: "      if (single.has(name)) found.push([name,",
  },
];
