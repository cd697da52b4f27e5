// Admin calls over the keys that sign tokens: listing, replacing and revoking them. No key's material is ever shown.
import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import type { ControlPart } from "./controlApp.ts";
import { jsonAnswer, noteOf, REFUSALS, toIso } from "./schemas.ts";

const keySchema = z
  .object({
    kid: z.string(),
    use: z.enum(["signing", "vault"]).meta({
      description: "`signing`: signs tokens. `vault`: encrypts PocketBase's tokens; it is not rotated.",
    }),
    state: z.enum(["active", "verify", "revoked"]),
    created: z.string(),
    lastExpires: z.string().optional().meta({ description: "When the last token it has signed ends." }),
  })
  .openapi("Key");

const listRoute = createRoute({
  method: "get",
  path: "/hapta/keys",
  summary: "Lists the keys, newest first",
  responses: { ...REFUSALS, 200: jsonAnswer("All of them.", z.object({ items: z.array(keySchema) })) },
});

const rotateRoute = createRoute({
  method: "post",
  path: "/hapta/keys/rotate",
  summary: "Signs with a new key from now on",
  description: "Tokens of the old one stay valid until their end. Happens by itself every 90 days.",
  responses: { ...REFUSALS, 200: jsonAnswer("The new key.", z.object({ kid: z.string() })) },
});

const revokeRoute = createRoute({
  method: "delete",
  path: "/hapta/keys/{kid}",
  summary: "Ends every token a key has signed, at once",
  description: "For a key that may have leaked. When it is the one that signs, a new one takes its place.",
  request: { params: z.object({ kid: z.string().max(64) }) },
  responses: { ...REFUSALS, 204: { description: "Revoked, on disk." }, 404: { description: "No such key." } },
});

/** Adds `/hapta/keys`. */
export const addKeyRoutes: ControlPart = (app, { sessions }) => {
  app.openapi(listRoute, (c) => {
    const items = sessions.keys.list().map(({ createdMs, lastExpMs, ...key }) => ({
      ...key,
      created: toIso(createdMs),
      ...(lastExpMs === 0 ? {} : { lastExpires: toIso(lastExpMs) }),
    }));
    return c.json({ items }, 200);
  });

  app.openapi(rotateRoute, async (c) =>
    c.json({ kid: await sessions.keys.rotate(noteOf(c.env.exchange)) }, 200),
  );

  app.openapi(revokeRoute, async (c) => {
    const isRevoked = await sessions.keys.revoke(c.req.valid("param").kid, noteOf(c.env.exchange));
    if (!isRevoked) throw new Refusal("not_found");
    return c.body(null, 204);
  });
};
