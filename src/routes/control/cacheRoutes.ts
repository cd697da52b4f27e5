// Admin calls over the cache: how it does, what it keeps, what it makes of a read, and forgetting. Shows no kept answer.
import { createRoute, z } from "@hono/zod-openapi";
import { EVERYTHING, recordsOf } from "../../cache/written.ts";
import { createExplain } from "../../middleware/cache.ts";
import type { ControlPart } from "./controlApp.ts";
import {
  collectionParam,
  jsonAnswer,
  limitParam,
  REFUSALS,
  refuseField,
  requireCollection,
  toIso,
  userParam,
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
    verified: z.number(),
    hapta_cache_violations_total: z.number().meta({
      description: "Kept answers that differed from PocketBase's when they were compared. Should be 0.",
    }),
  })
  .openapi("CacheState");

const entrySchema = z
  .object({
    key: z.string(),
    status: z.number(),
    bytes: z.number(),
    hits: z.number(),
    stored: z.string(),
    isCurrent: z.boolean().meta({ description: "Whether nothing it depends on has moved." }),
  })
  .openapi("CacheEntry");

const explanationSchema = z
  .object({
    isKept: z.boolean(),
    reason: z.string(),
    detail: z.string().optional().meta({ description: "The `detail` of Cache-Status when it is not kept." }),
    key: z.string().optional(),
    sharing: z.enum(["public", "kind", "principal"]).optional(),
    isHit: z.boolean().optional(),
    dependencies: z
      .array(
        z.object({
          name: z
            .string()
            .meta({ description: "`*` everything, `c:` a collection's records, `r:` the caller." }),
          collection: z.string().optional(),
          moved: z.string().optional(),
          cause: z.string().optional(),
        }),
      )
      .optional(),
  })
  .openapi("CacheExplanation");

const stateRoute = createRoute({
  method: "get",
  path: "/hapta/cache",
  summary: "How the cache does",
  responses: { ...REFUSALS, 200: jsonAnswer("Since the start of this process.", stateSchema) },
});

const listRoute = createRoute({
  method: "get",
  path: "/hapta/cache/entries",
  summary: "Lists what is kept, by the start of the key",
  request: { query: z.object({ prefix: z.string().max(KEY_MAX).default(""), limit: limitParam }) },
  responses: {
    ...REFUSALS,
    200: jsonAnswer("Used longest ago first.", z.object({ items: z.array(entrySchema) })),
  },
});

const explainRoute = createRoute({
  method: "get",
  path: "/hapta/cache/explain",
  summary: "What the cache makes of a read by a given caller",
  request: {
    query: z.object({
      url: z
        .string()
        .startsWith("/")
        .max(8_192)
        .meta({ description: "Path and query.", example: "/api/collections/posts/records" }),
      collection: collectionParam,
      user: userParam,
    }),
  },
  responses: { ...REFUSALS, 200: jsonAnswer("Without asking PocketBase.", explanationSchema) },
});

const purgeRoute = createRoute({
  method: "delete",
  path: "/hapta/cache/entries",
  summary: "Forgets kept answers",
  description: "Exactly one of the three. For changes that nobody tells Hapta about, such as raw SQL.",
  request: {
    query: z.object({
      prefix: keyParam.optional().meta({ description: "Every key that begins so." }),
      collection: collectionParam,
      all: z.enum(["true"]).optional(),
    }),
  },
  responses: { ...REFUSALS, 204: { description: "Forgotten; what is being fetched meanwhile is not kept." } },
});

/** Adds `/hapta/cache`. */
export const addCacheRoutes: ControlPart = (app, services) => {
  addState(app, services);
  addExplain(app, services);
  addPurge(app, services);
};

const addState: ControlPart = (app, { cache, cacheGate, settings }) => {
  app.openapi(stateRoute, (c) => {
    const { violations, ...counts } = cache.counts;
    const closedBecause = cacheGate.closedBecause();
    const { size: entries, bytes, bytesMax } = cache.store;
    const state = {
      isEnabled: settings.cache.isEnabled,
      ...(closedBecause === undefined ? {} : { closedBecause }),
      ...{ entries, bytes, bytesMax },
      ...counts,
      hapta_cache_violations_total: violations,
    };
    return c.json(state, 200);
  });

  app.openapi(listRoute, (c) => {
    const { prefix, limit } = c.req.valid("query");
    const items = [];
    for (const { key, status, body, hits, storedMs, lease } of cache.store.all()) {
      if (items.length >= limit) break;
      if (!key.startsWith(prefix)) continue;
      const isCurrent = lease.holds();
      items.push({ key, status, bytes: body.length, hits, stored: toIso(storedMs), isCurrent });
    }
    return c.json({ items }, 200);
  });
};

const addExplain: ControlPart = (app, services) => {
  const { cache, collections } = services;
  const explain = createExplain(services);

  app.openapi(explainRoute, async (c) => {
    const { url, collection, user } = c.req.valid("query");
    if ((collection === undefined) !== (user === undefined))
      refuseField("user", "A caller is named by collection and user; a guest by neither.");
    const cid = collection === undefined ? undefined : (await requireCollection(collections, collection)).id;
    const mark = url.indexOf("?");
    const plan = explain({
      path: mark < 0 ? url : url.slice(0, mark),
      query: mark < 0 ? "" : url.slice(mark + 1),
      session: cid === undefined || user === undefined ? undefined : { cid, uid: user },
    });
    if (plan.kind === "none") return c.json({ isKept: false, detail: plan.detail, reason: plan.reason }, 200);
    const { key, sharing, reason, names } = plan;
    const isHit = cache.store.peek(key)?.lease.holds() === true;
    const dependencies = [EVERYTHING, ...names].map((name) => describe(name));
    return c.json({ isKept: true, reason, key, sharing, isHit, dependencies }, 200);
  });

  function describe(name: string) {
    const known = cache.versions.look(name);
    const collection = name.startsWith("c:") ? collections.find(name.slice(2))?.name : undefined;
    return {
      name,
      ...(collection === undefined ? {} : { collection }),
      ...(known === undefined || known.movedMs === 0
        ? {}
        : { moved: toIso(known.movedMs), cause: known.cause }),
    };
  }
};

const addPurge: ControlPart = (app, { cache, collections }) => {
  app.openapi(purgeRoute, async (c) => {
    const { prefix, collection, all } = c.req.valid("query");
    if ([prefix, collection, all].filter((one) => one !== undefined).length !== 1)
      refuseField("prefix", "Exactly one of prefix, collection and all says what to forget.");
    if (prefix !== undefined) cache.purge((key) => key.startsWith(prefix));
    else if (collection === undefined) cache.versions.move([EVERYTHING], "a purge");
    else {
      const { id } = await requireCollection(collections, collection);
      cache.versions.move([recordsOf(id)], "a purge");
    }
    return c.body(null, 204);
  });
};
