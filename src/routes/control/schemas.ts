// What the admin calls share: pieces of their schemas, who acts, and what collections are called. No routes.
import { z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import type { Collection } from "../../pocketbase/collection.ts";
import type { LiveSchema } from "../../pocketbase/liveSchema.ts";

/** Longest name or id that a filter takes. */
const NAME_MAX = 255;

/** A collection's name or id. */
export const collectionParam = z.string().min(1).max(NAME_MAX).optional().meta({
  description: "A collection's name or id.",
  example: "users",
});

/** A record's id. */
export const userParam = z.string().min(1).max(NAME_MAX).optional().meta({
  description: "A record's id.",
});

/** How many entries a page has. */
export const limitParam = z.coerce.number().int().min(1).max(500).default(100).meta({
  description: "Entries per page.",
});

/** Error answers, as PocketBase's SDKs read them. */
export const errorSchema = z
  .object({ data: z.record(z.string(), z.unknown()), message: z.string(), status: z.number() })
  .openapi("Error");

/** One answer of a route's description. */
export const jsonAnswer = <T extends z.ZodType>(description: string, schema: T) => ({
  description,
  content: { "application/json": { schema } },
});

/** The refusals every call may give. */
export const REFUSALS = {
  400: jsonAnswer("The input is not valid; `data` says which fields.", errorSchema),
  401: jsonAnswer("The admin key is missing or wrong.", errorSchema),
} as const;

/** Who acts, for the event log: never the key itself. */
export const actorOf = ({ principal }: Exchange): string =>
  principal.kind === "operator"
    ? "the admin key"
    : `superuser ${principal.kind === "superuser" ? principal.session.uid : ""}`;

/** What the event log keeps of an action. */
export const noteOf = (exchange: Exchange) => ({
  actor: actorOf(exchange),
  ip: exchange.client.address,
  request: exchange.id,
});

/** A field of the input that cannot be right. */
export const refuseField = (field: string, message: string): never => {
  throw new Refusal("input_invalid", { data: { [field]: { code: "validation_invalid_value", message } } });
};

/**
 * The collection an operator names.
 *
 * @throws Refusal `input_invalid` when there is none, also after reading the list anew: a filter that names nothing must
 * not pass for one that matches nothing.
 */
export const requireCollection = async (collections: LiveSchema, segment: string): Promise<Collection> => {
  const known = collections.find(segment);
  if (known !== undefined) return known;
  await collections.refresh();
  return collections.find(segment) ?? refuseField("collection", "There is no such collection.");
};

/** ISO 8601 in UTC, as everywhere in Hapta's answers. */
export const toIso = (atMs: number): string => new Date(atMs).toISOString();
