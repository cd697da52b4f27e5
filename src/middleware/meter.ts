// The stage that keeps everybody to their share: rates, requests at a time, streams. Who is over it is refused here,
// before PocketBase sees a byte; who is not learns how much is left.
import { Refusal } from "../errors.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { limitRefusal } from "../limits/limitRefusal.ts";
import type { Ask, Limits } from "../limits/limits.ts";
import type { Services } from "../services.ts";
import { claimsOf } from "../utils/jwt.ts";
import { membersOf, toAsk } from "./meterAsk.ts";
import { meteredBody } from "./meteredBody.ts";
import { createLogins, loginDelayed } from "./meterLogins.ts";
import { createWatchOldPasswords } from "./meterOldPasswords.ts";
import { createPlaces } from "./meterPlaces.ts";

export const createMeter = (services: Services): Stage => {
  const { limits, hub, collections } = services;
  const isAuth = (segment: string): boolean => collections.find(segment)?.type === "auth";
  const places = createPlaces(limits, hub);
  const logins = createLogins(services);
  const watchOldPasswords = createWatchOldPasswords(services, loginDelayed);

  return (exchange) => {
    if (limits.bans.size > 0) refuseBanned(exchange);
    if (!limits.isEnabled || isExempt(exchange)) return undefined;
    const members = membersOf(exchange);
    const ask = toAsk(exchange, members, isAuth);
    const hasPlaces = ask.audience !== "superuser";
    if (hasPlaces) places.check(exchange, ask.caller, members?.get("clientid"));
    const decision = limits.decide(ask);
    if (!decision.ok) {
      const { waitMs, policy, headers } = decision;
      const { message } = limits.config;
      throw limitRefusal(exchange.headers, { code: "rate_limited", waitMs, policy, message, headers });
    }
    exchange.limitLines = decision.lines;
    if (hasPlaces) places.take(exchange, ask.caller);
    noteTries(exchange, members);
    countBody(exchange, ask, limits);
    return undefined;
  };

  function noteTries(exchange: Exchange, members: ReturnType<typeof membersOf>): void {
    if (members !== undefined && exchange.route.kind === "auth") logins.begin(exchange, members);
    else if (exchange.method === "PATCH" || exchange.batchPayload !== undefined) watchOldPasswords(exchange);
  }

  // A superuser could lock nobody out but himself.
  function refuseBanned(exchange: Exchange): void {
    if (exchange.principal.kind === "superuser") return;
    if (limits.bans.find(exchange.client.address, userOf(exchange)) !== undefined)
      throw new Refusal("banned");
  }
};

// An adopted token is nobody's word, but whoever names a banned user with it shuts himself out.
const userOf = ({ principal, credential = "" }: Exchange): string | undefined => {
  if (principal.kind === "guest") return undefined;
  const { session } = principal;
  if (session !== undefined) return `${session.cid}/${session.uid}`;
  const { collectionId, id } = claimsOf(credential) ?? {};
  return `${collectionId}/${id}`;
};

// Health checks are never limited; the dashboard's own files come by the dozen, and only to those who may see it.
const isExempt = ({ path, route }: Exchange): boolean =>
  route.body === "drop" &&
  ((route.kind === "custom" && path === "/api/health") || (route.kind === "admin" && path.startsWith("/_/")));

const countBody = (exchange: Exchange, ask: Ask, limits: Limits): void => {
  const { body } = exchange;
  if (body.kind !== "stream" || body.length !== undefined) return;
  exchange.body = { ...body, source: meteredBody(body.source, () => limits.chargeLater(ask, 1)) };
};
