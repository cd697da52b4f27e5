// The one canonical parse. What is ambiguous is refused here, before PocketBase sees a byte; what passes
// becomes the Exchange, and nothing later reads the raw request.
import { Refusal } from "../errors.ts";
import { type Exchange, isUnsafe, type Method, type Proven } from "../exchange.ts";
import type { RequestBody } from "../http/answer.ts";
import type { WireRequest } from "../http/wireRequest.ts";
import { guestAt } from "../limits/buckets.ts";
import { limitRefusal } from "../limits/limitRefusal.ts";
import type { Limits } from "../limits/limits.ts";
import type { Route } from "../pocketbase/routes.ts";
import type { Services } from "../services.ts";
import { createReadingOf, type Facts } from "./headReading.ts";
import { createPageOf } from "./pageOf.ts";
import { createRebuildBody } from "./rebuildBody.ts";
import { readSocketKey } from "./socketKey.ts";
import type { Traced } from "./trace.ts";

const NOTHING: Proven = {};

export type Admit = (request: WireRequest, traced: Traced) => Exchange | Promise<Exchange>;

export const createAdmit = ({ settings, limits, clientOf, isAdminClient }: Services): Admit => {
  const readingOf = createReadingOf(new Set(settings.security.hosts));
  const rebuildBody = createRebuildBody(({ client }, bytes) =>
    limits.refusedBodies.note(client.address, bytes),
  );
  const pageOf = createPageOf(settings.security.origins);
  const checkBody = createBodyCheck(settings);
  const hasApps = settings.security.apps.length > 0;

  return (request, { id, startedMs }) => {
    const { head, peer, presence } = request;
    const { method, path, query, route, facts, headers } = readingOf(request);
    const { forwardedFor, forwardedProto, isForwarded } = facts;
    const client = clientOf({ peer, forwardedFor, forwardedProto, isForwarded });
    const socketKey = readSocketKey(head, route);
    const { isSecure } = client;
    const page = pageOf(facts, { path, isSecure, isUnsafe: mayHarm(method, route) });
    const isAdmin = isAdminClient(client);
    // Hidden, not forbidden: to everybody else the superuser area does not exist.
    if (route.isAdmin === true && !isAdmin) throw new Refusal("not_found");
    const body = toBody(route, facts, request);
    checkBody(body, route, facts.contentType);
    const exchange: Exchange = {
      id,
      startedMs,
      alike: request.isRepeat ? request.head : undefined,
      method,
      path,
      query,
      route,
      headers,
      acceptEncoding: facts.acceptEncoding,
      isSigned: hasApps && facts.isSigned,
      authorizations: facts.authorizations,
      host: facts.host,
      cookie: facts.cookie,
      client,
      page,
      body,
      socketKey,
      wantsCookie: facts.wantsCookie && settings.security.cookies.isEnabled,
      cookieToken: undefined,
      setCookies: undefined,
      proven: NOTHING,
      limitLines: undefined,
      cacheStatus: undefined,
      isChecked: false,
      whenDone: undefined,
      loginTry: undefined,
      principal: { kind: "guest" },
      credential: undefined,
      presence,
    };
    if (body.kind === "stream" && isReadWhole(exchange)) {
      refuseInVain(exchange, limits, isAdmin);
      return rebuildBody(exchange, body, { contentType: facts.contentType ?? "", isAdmin });
    }
    return exchange;
  };
};

const mayHarm = (method: Method, { isSocket }: Route): boolean => isSocket === true || isUnsafe(method);

const isReadWhole = ({ isSigned, route }: Exchange): boolean =>
  isSigned || route.body === "struct" || route.body === "batch";

// Types that a foreign page's form could send without asking first (a CORS preflight), beside the two forms that
// PocketBase takes. It answers 400 to them anyway, after having looked.
const RECORD_TYPE = /^(?:application\/json|multipart\/form-data|application\/x-www-form-urlencoded)\b/;

type BodyCheck = (body: RequestBody, route: Route, contentType: string | undefined) => void;

const createBodyCheck = ({ server, security }: Services["settings"]): BodyCheck => {
  const checksType = security.origins.length > 0 || security.cookies.isEnabled;
  return (body, route, contentType = "") => {
    if (body.kind !== "stream") return;
    if ((body.length ?? 0) > server.bodyBytesMax) throw new Refusal("body_too_large");
    if (checksType && route.kind === "records" && !RECORD_TYPE.test(contentType))
      throw new Refusal("media_type_unsupported");
  };
};

// Nobody reads a body for somebody who will be refused whatever it says. Superusers have no limits: where one may be
// asking, `meter` decides alone.
const refuseInVain = (exchange: Exchange, limits: Limits, isAdmin: boolean): void => {
  const isGuest = exchange.authorizations.length === 0 && exchange.cookie === undefined;
  if (isAdmin && !isGuest) return;
  if (limits.bans.find(exchange.client.address, undefined) !== undefined) throw new Refusal("banned");
  if (!limits.isEnabled) return;
  const audience = isGuest ? "guest" : "user";
  const { address } = exchange.client;
  const decision = limits.foresee({ caller: guestAt(address), audience, deed: exchange });
  if (decision.ok) return;
  const { policy, waitMs, headers } = decision;
  const { message } = limits.config;
  throw limitRefusal(exchange.headers, { code: "rate_limited", waitMs, policy, message, headers });
};

const NO_BODY: RequestBody = { kind: "none" };

const toBody = (route: Route, facts: Facts, { head, source }: WireRequest): RequestBody => {
  if (source === undefined || route.body === "drop") return NO_BODY;
  // The app's own routes may take what they like.
  if (facts.isEncoded && route.kind !== "custom") throw new Refusal("body_encoded");
  return { kind: "stream", source, length: head.framing.kind === "length" ? head.framing.length : undefined };
};
