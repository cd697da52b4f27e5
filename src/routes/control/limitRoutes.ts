// Admin calls over limits: what is in force, what a caller has left, who asks the most, and bans.
import { createRoute, z } from "@hono/zod-openapi";
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import type { Ban } from "../../limits/bans.ts";
import { type Caller, guestAt } from "../../limits/buckets.ts";
import type { Services } from "../../services.ts";
import { parseAddress } from "../../utils/address.ts";
import { blockText } from "../../utils/addressBlocks.ts";
import type { ControlPart } from "./controlApp.ts";
import {
  collectionParam,
  jsonAnswer,
  noteOf,
  REFUSALS,
  refuseField,
  requireCollection,
  toIso,
  userParam,
} from "./schemas.ts";

const BAN_SECONDS_MAX = 10 * 365 * 86_400;

const whom = z.strictObject({
  address: z
    .string()
    .max(64)
    .optional()
    .meta({ description: "An address; an IPv6 one means its /64.", example: "203.0.113.7" }),
  collection: collectionParam,
  user: userParam,
});

const banSchema = z
  .object({
    address: z.string().optional(),
    collectionId: z.string().optional(),
    user: z.string().optional(),
    until: z.string(),
    reason: z.string(),
  })
  .openapi("Ban");

const ruleSchema = z.object({
  name: z.string(),
  max: z.number(),
  durationMs: z.number(),
  by: z.array(z.string()),
  shadow: z.boolean(),
  refused: z.number().meta({ description: "Since the start." }),
  wouldRefuse: z.number().meta({ description: "Likewise, as a shadow rule." }),
});

const overviewRoute = createRoute({
  method: "get",
  path: "/hapta/limits",
  summary: "Says which limits are in force, and how often they refused",
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "The limits.",
      z.object({
        isEnabled: z.boolean(),
        isLoginStorm: z.boolean().meta({ description: "Logins fail everywhere at once." }),
        inFlight: z.number().meta({ description: "Addresses and users with requests under way." }),
        sharedKeys: z.number().meta({ description: "How often a caller found no room in the table." }),
        rules: z.array(ruleSchema),
      }),
    ),
  },
});

const topRoute = createRoute({
  method: "get",
  path: "/hapta/limits/top",
  summary: "Lists who asked the most within the last minutes",
  request: { query: z.strictObject({ limit: z.coerce.number().int().min(1).max(100).default(20) }) },
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "Those who ask the most, first; estimates.",
      z.object({ items: z.array(z.object({ name: z.string(), requests: z.number(), refused: z.number() })) }),
    ),
  },
});

const callerRoute = createRoute({
  method: "get",
  path: "/hapta/limits/caller",
  summary: "Says what an address or a user has left",
  request: { query: whom },
  responses: {
    ...REFUSALS,
    200: jsonAnswer(
      "Per rule, and for IPv6 per block around the address: /64, /56, /48.",
      z.object({
        rules: z.array(z.object({ rule: z.string(), left: z.number(), resetMs: z.number() })),
        ban: banSchema.optional(),
      }),
    ),
  },
});

const resetRoute = createRoute({
  method: "delete",
  path: "/hapta/limits/caller",
  summary: "Gives an address or a user all of their budgets back",
  request: { query: whom },
  responses: { ...REFUSALS, 204: { description: "Done." } },
});

const bansRoute = createRoute({
  method: "get",
  path: "/hapta/limits/bans",
  summary: "Lists the bans in force",
  responses: {
    ...REFUSALS,
    200: jsonAnswer("Those that end first, first.", z.object({ items: z.array(banSchema) })),
  },
});

const banRoute = createRoute({
  method: "post",
  path: "/hapta/limits/bans",
  summary: "Shuts an address or a user out for a while",
  request: {
    body: {
      content: {
        "application/json": {
          schema: whom.extend({
            seconds: z.number().int().min(1).max(BAN_SECONDS_MAX),
            reason: z.string().max(200).default(""),
          }),
        },
      },
    },
  },
  responses: { ...REFUSALS, 200: jsonAnswer("Shut out, on disk.", banSchema) },
});

const unbanRoute = createRoute({
  method: "delete",
  path: "/hapta/limits/bans",
  summary: "Lets an address or a user in again",
  request: { query: whom },
  responses: {
    ...REFUSALS,
    204: { description: "Lifted, on disk." },
    404: { description: "There was no such ban." },
  },
});

const reloadRoute = createRoute({
  method: "post",
  path: "/hapta/limits/reload",
  summary: "Reads the config file again and takes its limits over",
  responses: {
    ...REFUSALS,
    200: jsonAnswer("Taken over.", z.object({ rules: z.array(z.string()) })),
  },
});

/** Adds `/hapta/limits`. */
export const addLimitRoutes: ControlPart = (app, services) => {
  const { limits, hub, writes } = services;

  app.openapi(overviewRoute, (c) => {
    const rules = limits.rules.map((rule) => ({
      name: rule.name,
      max: rule.unitsMax,
      durationMs: rule.windowMs,
      by: [...rule.by],
      shadow: rule.isShadow,
      refused: limits.counts.get(rule.name)?.refused ?? 0,
      wouldRefuse: limits.counts.get(rule.name)?.shadowed ?? 0,
    }));
    const { isEnabled, inFlight, limiter, shield } = limits;
    const overview = { isEnabled, isLoginStorm: shield.isStorm, inFlight: inFlight.size };
    return c.json({ ...overview, sharedKeys: limiter.table.shared, rules }, 200);
  });

  app.openapi(topRoute, (c) => c.json({ items: limits.talkers.list(c.req.valid("query").limit) }, 200));

  app.openapi(callerRoute, async (c) => {
    const found = await callerOf(services, c.req.valid("query"));
    const rules = limits
      .inspect(found.caller)
      .map(({ rule, left, resetMs }) => ({ rule: rule?.name ?? "", left, resetMs: Math.ceil(resetMs) }));
    const ban = limits.bans.find(found.caller.address, found.caller.user);
    return c.json({ rules, ...(ban === undefined ? {} : { ban: toView(ban) }) }, 200);
  });

  app.openapi(resetRoute, async (c) => {
    const { caller, name } = await callerOf(services, c.req.valid("query"));
    limits.reset(caller);
    await note(services, c.env.exchange, `limits of ${name} reset`);
    return c.body(null, 204);
  });

  app.openapi(bansRoute, (c) => c.json({ items: limits.bans.list().map(toView) }, 200));

  app.openapi(banRoute, async (c) => {
    const { seconds, reason, ...query } = c.req.valid("json");
    const { caller, kind, name, record } = await callerOf(services, query);
    const ban: Ban = { kind, name, reason, untilMs: Date.now() + seconds * 1000 };
    if (!limits.bans.add(ban)) return refuseField("address", "There are too many bans already.");
    // What is open would outlive the ban.
    if (record === undefined) hub.endAt((address) => blockText(address) === blockText(caller.address));
    else for (const open of [hub, writes]) open.end({ ids: [], ...record });
    await note(services, c.env.exchange, `${kind} ${name} banned for ${seconds} s`);
    return c.json(toView(ban), 200);
  });

  app.openapi(unbanRoute, async (c) => {
    const { kind, name } = await callerOf(services, c.req.valid("query"));
    if (!limits.bans.remove(kind, name)) throw new Refusal("not_found");
    await note(services, c.env.exchange, `${kind} ${name} no longer banned`);
    return c.body(null, 204);
  });

  app.openapi(reloadRoute, async (c) => {
    const problems = await services.reload();
    if (problems.length > 0) return refuseField("config", problems.join("\n"));
    await note(services, c.env.exchange, "limits reloaded");
    return c.json({ rules: limits.rules.map(({ name }) => name) }, 200);
  });
};

const note = async ({ sessions }: Services, exchange: Exchange, what: string): Promise<void> => {
  const { actor, ip, request } = noteOf(exchange);
  await sessions.record({ type: "admin_action", ip, request, detail: `${what}, by ${actor}` });
};

interface Found {
  readonly caller: Caller;
  readonly kind: Ban["kind"];
  readonly name: string;
  readonly record?: { readonly cid: string; readonly uid: string };
}

/** The one caller that is meant. @throws Refusal `input_invalid` for none and for two. */
const callerOf = async ({ collections }: Services, query: z.infer<typeof whom>): Promise<Found> => {
  const { address, collection, user } = query;
  if (address !== undefined) {
    if (collection !== undefined || user !== undefined)
      return refuseField("address", "Not together with a user.");
    const parsed = parseAddress(address) ?? refuseField("address", "Not an IP address.");
    return { caller: guestAt(parsed), kind: "address", name: parsed };
  }
  if (user === undefined) return refuseField("address", "Say an address, or collection and user.");
  if (collection === undefined) return refuseField("collection", "Needed with user.");
  const { id } = await requireCollection(collections, collection);
  const name = `${id}/${user}`;
  return { caller: { ...guestAt(""), user: name }, kind: "user", name, record: { cid: id, uid: user } };
};

const toView = ({ kind, name, untilMs, reason }: Ban): z.infer<typeof banSchema> => {
  const rest = { until: toIso(untilMs), reason };
  if (kind === "address") return { address: blockText(name), ...rest };
  const [collectionId = "", user = ""] = name.split("/");
  return { collectionId, user, ...rest };
};
