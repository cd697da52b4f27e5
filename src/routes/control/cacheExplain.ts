// The admin call that says what the cache makes of a read: its key, who may share the answer and why, what it depends on and
// what moved that last. Asks nobody.
import { createRoute, z } from "@hono/zod-openapi";
import { collectionIn, EVERYTHING } from "../../cache/written.ts";
import { createExplain } from "../../middleware/cache.ts";
import type { ControlPart } from "./controlApp.ts";
import {
  collectionParam,
  jsonAnswer,
  REFUSALS,
  refuseField,
  requireCollection,
  toIso,
  userParam,
} from "./schemas.ts";

const explanationSchema = z
  .object({
    isKept: z.boolean(),
    reason: z.string(),
    detail: z.string().optional().meta({ description: "The `detail` of Cache-Status when it is not kept." }),
    key: z.string().optional(),
    name: z.string().optional().meta({ description: "What `Cache.Names` calls it." }),
    sharing: z.enum(["public", "kind", "principal"]).optional(),
    isHit: z.boolean().optional(),
    lastInvalidation: z
      .object({ moved: z.string(), cause: z.string(), name: z.string() })
      .optional()
      .meta({ description: "Which of the dependencies moved last, when, and by what." }),
    dependencies: z
      .array(
        z.object({
          name: z.string().meta({
            description:
              "`*` everything, `c:` a collection's records (behind `/`: which fields, and by which value), `r:` the caller.",
          }),
          collection: z.string().optional(),
          moved: z.string().optional(),
          cause: z.string().optional(),
        }),
      )
      .optional(),
  })
  .openapi("CacheExplanation");

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

/** Adds `/hapta/cache/explain`. */
export const addCacheExplain: ControlPart = (app, services) => {
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
    const { key, name, sharing, reason, names } = plan;
    const isHit = cache.store.peek(key)?.lease.holds() === true;
    const depended = [EVERYTHING, ...names];
    const answer = {
      isKept: true,
      reason,
      key,
      ...(name === undefined ? {} : { name }),
      ...{ sharing, isHit },
      ...lastMoved(depended),
      dependencies: depended.map((one) => describe(one)),
    };
    return c.json(answer, 200);
  });

  function lastMoved(names: readonly string[]) {
    const last = names
      .map((name) => cache.versions.look(name))
      .reduce((latest, one) => ((one?.movedMs ?? 0) > (latest?.movedMs ?? 0) ? one : latest), undefined);
    if (last === undefined) return {};
    return { lastInvalidation: { moved: toIso(last.movedMs), cause: last.cause, name: last.name } };
  }

  function describe(name: string) {
    const known = cache.versions.look(name);
    const collection = collections.find(collectionIn(name) ?? "")?.name;
    return {
      name,
      ...(collection === undefined ? {} : { collection }),
      ...(known === undefined || known.movedMs === 0
        ? {}
        : { moved: toIso(known.movedMs), cause: known.cause }),
    };
  }
};
