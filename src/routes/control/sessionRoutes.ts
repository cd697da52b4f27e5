// Admin calls over sessions: everybody's, listed, ended and introspected. Never shows a token or what is in one.
import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import type { Services } from "../../services.ts";
import type { Selection } from "../../sessions/ending.ts";
import type { PagePlace } from "../../sessions/sessionPages.ts";
import type { SessionSummary } from "../../sessions/sessionTable.ts";
import type { ControlPart } from "./controlApp.ts";
import {
  collectionParam,
  jsonAnswer,
  limitParam,
  noteOf,
  REFUSALS,
  refuseField,
  requireCollection,
  toIso,
  userParam,
} from "./schemas.ts";

const sessionSchema = z
  .object({
    id: z.string(),
    collection: z.string().meta({ description: "The collection's name; its id when it is gone." }),
    collectionId: z.string(),
    user: z.string().meta({ description: "The record's id." }),
    kind: z.enum(["record", "superuser", "impersonated"]),
    status: z.enum(["active", "superseded", "revoked"]),
    label: z.string().meta({ example: "Chrome on Windows" }),
    ip: z.string(),
    created: z.string(),
    lastSeen: z.string(),
    expires: z.string(),
    amr: z.array(z.string()).meta({ description: "How its holder logged in (RFC 8176)." }),
    app: z.string().optional(),
  })
  .openapi("Session");

const listRoute = createRoute({
  method: "get",
  path: "/hapta/sessions",
  summary: "Lists live sessions, newest first",
  request: {
    query: z.strictObject({
      collection: collectionParam,
      user: userParam,
      app: z.string().min(1).max(255).optional(),
      cursor: z
        .string()
        .regex(/^[0-9a-z]{1,10}\.[0-9a-z]{1,11}$/)
        .optional()
        .meta({ description: "`cursor` of the page before." }),
      limit: limitParam,
    }),
  },
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "A page; without `cursor` the last one.",
      z.object({ items: z.array(sessionSchema), cursor: z.string().optional() }),
    ),
  },
});

const endOneRoute = createRoute({
  method: "delete",
  path: "/hapta/sessions/{id}",
  summary: "Ends one session",
  request: { params: z.object({ id: z.string().max(64) }) },
  responses: {
    ...REFUSALS,
    204: { description: "Ended, on disk." },
    404: { description: "No such session." },
  },
});

const endManyRoute = createRoute({
  method: "delete",
  path: "/hapta/sessions",
  summary: "Signs a user out everywhere, or everybody of a collection",
  request: {
    query: z.strictObject({
      collection: collectionParam,
      user: userParam,
      everybody: z
        .literal("true")
        .optional()
        .meta({ description: "Instead of the others: ends every session there is." }),
    }),
  },
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "Ended, on disk. `ended` is null when a whole collection or everybody was meant: those are not counted.",
      z.object({ ended: z.number().nullable() }),
    ),
  },
});

const introspectSchema = z.object({
  token: z.string().min(1).max(4096),
  token_type_hint: z.string().max(64).optional(),
});

const introspectRoute = createRoute({
  method: "post",
  path: "/hapta/sessions/introspect",
  summary: "Says whether a token counts (RFC 7662)",
  description:
    "For servers that were handed one. Not a use of the token: it neither confirms nor ends anything.",
  request: {
    body: {
      content: {
        "application/x-www-form-urlencoded": { schema: introspectSchema },
        "application/json": { schema: introspectSchema },
      },
    },
  },
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "`active` alone for whatever does not count.",
      z.object({
        active: z.boolean(),
        token_type: z.string().optional(),
        sub: z.string().optional().meta({ description: "The record's id." }),
        iss: z.string().optional(),
        aud: z.string().optional(),
        iat: z.number().optional(),
        exp: z.number().optional(),
        auth_time: z.number().optional(),
        amr: z.array(z.string()).optional(),
        client_id: z.string().optional().meta({ description: "The app, when one signed the login." }),
        cnf: z.object({ jkt: z.string() }).optional(),
        collection: z.string().optional(),
        collectionId: z.string().optional(),
        session: z.string().optional(),
      }),
    ),
  },
});

/** Adds `/hapta/sessions`. */
export const addSessionRoutes: ControlPart = (app, services) => {
  const { sessions, collections } = services;

  app.openapi(listRoute, async (c) => {
    const { collection, user, app: appId, cursor, limit } = c.req.valid("query");
    const cid = collection === undefined ? undefined : (await requireCollection(collections, collection)).id;
    if (user !== undefined && cid === undefined) return refuseField("collection", "Needed with user.");
    const { sessions: found, next } = sessions.page({
      cid,
      uid: user,
      appId,
      after: readCursor(cursor),
      limit,
    });
    const items = found.map((one) => toView(one, services));
    return c.json({ items, ...(next === undefined ? {} : { cursor: renderCursor(next) }) }, 200);
  });

  app.openapi(endOneRoute, async (c) => {
    const note = { reason: "ended_by_admin", ...noteOf(c.env.exchange) };
    const count = await sessions.revoke({ kind: "session", id: c.req.valid("param").id }, note);
    if (count === 0) throw new Refusal("not_found");
    return c.body(null, 204);
  });

  app.openapi(endManyRoute, async (c) => {
    const { collection, user, everybody } = c.req.valid("query");
    const cid = collection === undefined ? undefined : (await requireCollection(collections, collection)).id;
    const note = { reason: "ended_by_admin", ...noteOf(c.env.exchange) };
    const count = await sessions.revoke(selectionOf(cid, user, everybody === "true"), note);
    return c.json({ ended: count < 0 ? null : count }, 200);
  });

  app.openapi(introspectRoute, async (c) => {
    const type = c.req.header("content-type") ?? "";
    const { token } = /json/i.test(type) ? c.req.valid("json") : c.req.valid("form");
    if (token === undefined) return refuseField("token", "Cannot be blank.");
    const found = await sessions.introspect(token);
    if (found === undefined) return c.json({ active: false }, 200);
    const { session, iat, exp, issuer, audience } = found;
    return c.json(
      {
        active: true,
        token_type: session.jkt === undefined ? "Bearer" : "DPoP",
        sub: session.uid,
        iss: issuer,
        aud: audience,
        iat,
        exp,
        auth_time: Math.floor(session.authTimeMs / 1000),
        amr: methodsOf(session.amr),
        ...(session.appId === undefined ? {} : { client_id: session.appId }),
        ...(session.jkt === undefined ? {} : { cnf: { jkt: session.jkt } }),
        collection: collections.find(session.cid)?.name ?? session.cid,
        collectionId: session.cid,
        session: session.id,
      },
      200,
    );
  });
};

// Whatever is not clearly said is refused: the difference between one user and everybody is one parameter.
const selectionOf = (cid: string | undefined, uid: string | undefined, isEverybody: boolean): Selection => {
  if (isEverybody) {
    if (cid !== undefined || uid !== undefined) return refuseField("everybody", "Not together with others.");
    return { kind: "everybody" };
  }
  if (cid === undefined) return refuseField("collection", "Cannot be blank.");
  return uid === undefined ? { kind: "collection", cid } : { kind: "record", cid, uid };
};

const toView = (one: SessionSummary, { collections }: Services): z.infer<typeof sessionSchema> => ({
  id: one.id,
  collection: collections.find(one.cid)?.name ?? one.cid,
  collectionId: one.cid,
  user: one.uid,
  kind: one.kind,
  status: one.status,
  label: one.label,
  ip: one.ipLast,
  created: toIso(one.createdMs),
  lastSeen: toIso(one.lastSeenMs),
  expires: toIso(one.endsAtMs),
  amr: methodsOf(one.amr),
  ...(one.appId === undefined ? {} : { app: one.appId }),
});

const methodsOf = (amr: string): string[] => amr.split(",").filter((name) => name !== "");

const renderCursor = ({ createdMs, row }: PagePlace): string =>
  `${createdMs.toString(36)}.${row.toString(36)}`;

const readCursor = (cursor: string | undefined): PagePlace | undefined => {
  if (cursor === undefined) return undefined;
  const [created = "", row = ""] = cursor.split(".");
  return { createdMs: Number.parseInt(created, 36), row: Number.parseInt(row, 36) };
};
