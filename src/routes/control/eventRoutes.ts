// Admin calls over the security event log: reading it, and checking that nobody has changed it.
import { createRoute, z } from "@hono/zod-openapi";
import type { Services } from "../../services.ts";
import { EVENT_TYPES, type StoredEvent } from "../../sessions/eventRow.ts";
import type { ControlPart } from "./controlApp.ts";
import {
  collectionParam,
  jsonAnswer,
  limitParam,
  REFUSALS,
  requireCollection,
  toIso,
  userParam,
} from "./schemas.ts";

const moment = (description: string) =>
  z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], {
      error: "Expected a date, or a date and time with its offset, such as 2026-01-31T12:00:00Z.",
    })
    .optional()
    .meta({ description });

const eventSchema = z
  .object({
    seq: z.number(),
    at: z.string(),
    type: z.enum(EVENT_TYPES),
    node: z.number(),
    session: z.string().optional(),
    collection: z.string().optional(),
    collectionId: z.string().optional(),
    user: z.string().optional(),
    ip: z.string().optional(),
    label: z.string().optional(),
    request: z.string().optional().meta({ description: "`X-Request-Id` of the request." }),
    detail: z.string().optional(),
  })
  .openapi("SecurityEvent");

const listRoute = createRoute({
  method: "get",
  path: "/hapta/events",
  summary: "Lists security events, newest first",
  request: {
    query: z.strictObject({
      type: z.enum(EVENT_TYPES).optional(),
      collection: collectionParam,
      user: userParam,
      session: z.string().min(1).max(64).optional(),
      from: moment("The first moment that counts."),
      to: moment("The first moment that no longer counts."),
      cursor: z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER).optional().meta({
        description: "`cursor` of the page before.",
      }),
      limit: limitParam,
    }),
  },
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "A page; without `cursor` the last one. A page may hold less than `limit`.",
      z.object({ items: z.array(eventSchema), cursor: z.number().optional() }),
    ),
  },
});

const verifyRoute = createRoute({
  method: "get",
  path: "/hapta/events/verify",
  summary: "Checks the log's chain: an edited, deleted or inserted event shows",
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "`ok` with the number of events, or the first one (`seq`) that does not fit.",
      z.object({ ok: z.boolean(), events: z.number().optional(), seq: z.number().optional() }),
    ),
  },
});

/** Adds `/hapta/events`. */
export const addEventRoutes: ControlPart = (app, services) => {
  const { sessions, collections } = services;

  app.openapi(listRoute, async (c) => {
    const { type, collection, user, session, from, to, cursor, limit } = c.req.valid("query");
    const cid = collection === undefined ? undefined : (await requireCollection(collections, collection)).id;
    const query = {
      type,
      cid,
      uid: user,
      session,
      fromMs: toMs(from),
      toMs: toMs(to),
      beforeSeq: cursor,
      limit,
    };
    const { events, next } = await sessions.searchEvents(query, c.req.raw.signal);
    const items = events.map((one) => toView(one, services));
    return c.json({ items, ...(next === undefined ? {} : { cursor: next }) }, 200);
  });

  app.openapi(verifyRoute, async (c) => c.json(await sessions.checkEvents(), 200));
};

const toMs = (text: string | undefined): number | undefined =>
  text === undefined ? undefined : Date.parse(text);

const toView = (
  { atMs, cid, uid, ...event }: StoredEvent,
  { collections }: Services,
): z.infer<typeof eventSchema> => ({
  ...event,
  at: toIso(atMs),
  ...(cid === undefined ? {} : { collection: collections.find(cid)?.name ?? cid, collectionId: cid }),
  ...(uid === undefined ? {} : { user: uid }),
});
