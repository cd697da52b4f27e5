// Admin calls over the cache: how it does, what it keeps, what it makes of a read, and forgetting. Shows no kept answer.
import { createRoute, z } from "@hono/zod-openapi";
import type { Entry } from "../../cache/entry.ts";
import type { SelfCheck } from "../../cache/selfCheck.ts";
import { EVERYTHING, recordsOf } from "../../cache/written.ts";
import { addCacheExplain } from "./cacheExplain.ts";
import type { ControlPart } from "./controlApp.ts";
import {
  collectionParam,
  jsonAnswer,
  limitParam,
  REFUSALS,
  refuseField,
  requireCollection,
  toIso,
} from "./schemas.ts";

const KEY_MAX = 16_384;
const keyParam = z.string().min(1).max(KEY_MAX);

const stateSchema = z
  .object({
    isEnabled: z.boolean(),
    closedBecause: z
      .enum(["feed", "schema"])
      .optional()
      .meta({ description: "Why nothing is answered from the cache at the moment; absent when it is open." }),
    entries: z.number(),
    bytes: z.number(),
    bytesMax: z.number(),
    hits: z.number(),
    misses: z.number(),
    joined: z.number().meta({ description: "Misses that waited for somebody else's question." }),
    bypasses: z.number(),
    broken: z
      .number()
      .meta({ description: "Answers not kept because something moved while they were made." }),
    renewed: z
      .number()
      .meta({ description: "Answers fetched anew after something had moved under a kept one." }),
    needless: z
      .number()
      .meta({ description: "Those of them that came back the same: what moved did not matter." }),
    changes: z.number().meta({ description: "Changes of records that PocketBase's feed told." }),
    kinds: z
      .number()
      .meta({ description: "Kinds of kept answers that those could have been about, summed up." }),
    spared: z.number().meta({ description: "Kinds of them that a change provably was not about." }),
    verified: z.number(),
    stale: z
      .number()
      .meta({ description: "Kept answers given because PocketBase failed (`Cache.StaleIfError`)." }),
    selfCheck: z
      .object({
        at: z.string(),
        shared: z.number().meta({ description: "Collections whose lists everybody shares." }),
        byCaller: z.number().meta({ description: "Collections whose lists are kept by caller." }),
        notKept: z.array(z.object({ collection: z.string(), reason: z.string() })),
        unsteady: z
          .array(z.string())
          .meta({ description: "Collections that PocketBase shows differently each time; not kept." }),
        unknown: z
          .array(z.string())
          .meta({ description: "Collections that the settings name and PocketBase does not have." }),
      })
      .optional()
      .meta({ description: "What the check at the start has found; absent until it is over." }),
    hapta_cache_violations_total: z.number().meta({
      description: "Kept answers that differed from PocketBase's when they were compared. Should be 0.",
    }),
  })
  .openapi("CacheState");

const entrySchema = z
  .object({
    key: z.string(),
    name: z.string().optional().meta({ description: "What `Cache.Names` calls it." }),
    status: z.number(),
    bytes: z.number(),
    encodings: z.array(z.string()).meta({ description: "Content codings in which it is there as well." }),
    hits: z.number(),
    stored: z.string(),
    isCurrent: z.boolean().meta({ description: "Whether nothing it depends on has moved." }),
  })
  .openapi("CacheEntry");

const stateRoute = createRoute({
  method: "get",
  path: "/hapta/cache",
  summary: "How the cache does",
  responses: { ...REFUSALS, 200: jsonAnswer("Since the start of this process.", stateSchema) },
});

const listRoute = createRoute({
  method: "get",
  path: "/hapta/cache/entries",
  summary: "Lists what is kept, by the start of the key or name",
  request: { query: z.object({ prefix: z.string().max(KEY_MAX).default(""), limit: limitParam }) },
  responses: {
    ...REFUSALS,
    200: jsonAnswer("Used longest ago first.", z.object({ items: z.array(entrySchema) })),
  },
});

const purgeRoute = createRoute({
  method: "delete",
  path: "/hapta/cache/entries",
  summary: "Forgets kept answers",
  description: "Exactly one of the five. For changes that nobody tells Hapta about, such as raw SQL.",
  request: {
    query: z.object({
      key: keyParam.optional().meta({ description: "This key." }),
      name: keyParam.optional().meta({ description: "Everything that `Cache.Names` calls so." }),
      prefix: keyParam.optional().meta({ description: "Every key that begins so." }),
      collection: collectionParam,
      all: z.enum(["true"]).optional(),
    }),
  },
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "Forgotten; what is being fetched meanwhile is not kept.",
      z.object({ forgotten: z.number() }).openapi("CacheForgotten"),
    ),
  },
});

/** Adds `/hapta/cache`. */
export const addCacheRoutes: ControlPart = (app, services) => {
  addState(app, services);
  addCacheExplain(app, services);
  addPurge(app, services);
};

const addState: ControlPart = (app, { cache, cacheGate, settings }) => {
  app.openapi(stateRoute, (c) => {
    const { violations, ...counts } = cache.counts;
    const closedBecause = cacheGate.closedBecause();
    const entries = cache.store.size;
    const bytes = cache.store.bytes + cache.totals.bytes;
    const { bytesMax } = settings.cache;
    const state = {
      isEnabled: settings.cache.isEnabled,
      ...(closedBecause === undefined ? {} : { closedBecause }),
      ...{ entries, bytes, bytesMax },
      ...counts,
      ...cache.changes.counts,
      ...(cache.selfCheck === undefined ? {} : { selfCheck: showCheck(cache.selfCheck) }),
      hapta_cache_violations_total: violations,
    };
    return c.json(state, 200);
  });

  app.openapi(listRoute, (c) => {
    const { prefix, limit } = c.req.valid("query");
    const items = [];
    for (const entry of cache.store.all()) {
      if (items.length >= limit) break;
      if (entry.key.startsWith(prefix) || entry.name?.startsWith(prefix) === true)
        items.push(describe(entry));
    }
    return c.json({ items }, 200);
  });
};

const showCheck = ({ atMs, notKept, unsteady, unknown, ...counts }: SelfCheck) => ({
  at: toIso(atMs),
  ...counts,
  notKept: [...notKept],
  unsteady: [...unsteady],
  unknown: [...unknown],
});

const describe = ({ key, name, status, body, variants, hits, storedMs, lease }: Entry) => ({
  key,
  ...(name === undefined ? {} : { name }),
  status,
  bytes: body.length,
  encodings: [...(variants ?? [])].filter(([, variant]) => variant !== undefined).map(([coding]) => coding),
  hits,
  stored: toIso(storedMs),
  isCurrent: lease.holds(),
});

const addPurge: ControlPart = (app, { cache, collections }) => {
  /** Breaks what depends on something. @returns how many entries it was. */
  const move = (name: string): number => {
    const countCurrent = (): number => [...cache.store.all()].filter(({ lease }) => lease.holds()).length;
    const before = countCurrent();
    cache.changes.forget(name, "a purge");
    return before - countCurrent();
  };

  app.openapi(purgeRoute, async (c) => {
    const query = c.req.valid("query");
    const { key, name, prefix, collection } = query;
    if (Object.values(query).filter((one) => one !== undefined).length !== 1)
      refuseField("key", "Exactly one of key, name, prefix, collection and all says what to forget.");
    let forgotten: number;
    if (collection !== undefined)
      forgotten = move(recordsOf((await requireCollection(collections, collection)).id));
    else if (query.all !== undefined) forgotten = move(EVERYTHING);
    else
      forgotten = cache.purge((one) =>
        prefix === undefined
          ? one.key === key || (name !== undefined && one.name === name)
          : one.key.startsWith(prefix),
      );
    return c.json({ forgotten }, 200);
  });
};
