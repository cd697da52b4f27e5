// The one canonical parse. What is ambiguous is refused here, before PocketBase sees a byte; what passes
// becomes the Exchange, and nothing later reads the raw request.
import { Refusal } from "../errors.ts";
import type { Exchange, Method, Proven } from "../exchange.ts";
import type { RequestBody } from "../http/answer.ts";
import type { RequestHead } from "../http/requestHead.ts";
import type { WireRequest } from "../http/wireRequest.ts";
import { guestAt } from "../limits/buckets.ts";
import { limitRefusal } from "../limits/limitRefusal.ts";
import type { Limits } from "../limits/limits.ts";
import { type Route, toRoute } from "../pocketbase/routes.ts";
import type { Services } from "../services.ts";
import { withoutOwnCookies } from "../utils/cookies.ts";
import { hostName } from "../utils/host.ts";
import { canonicalPath } from "../utils/path.ts";
import { createPageOf } from "./pageOf.ts";
import { createRebuildBody } from "./rebuildBody.ts";
import type { Traced } from "./trace.ts";

/** Longest request target in bytes; a filter of PocketBase's 3500 characters fits unless most are escaped. */
const TARGET_BYTES_MAX = 8192;
const METHODS = new Set<string>(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const QUERY = /^[\x21\x22\x24-\x7e]*$/;

const NOTHING: Proven = {};

/** What the fields say about the request as a whole. */
interface Facts {
  readonly kept: string[];
  readonly authorizations: string[];
  host: string | undefined;
  contentType: string | undefined;
  /** Connection options other than keep-alive and close. */
  connection: string | undefined;
  forwardedFor: string | undefined;
  forwardedProto: string | undefined;
  isForwarded: boolean;
  origin: string | undefined;
  fetchSite: string | undefined;
  /** All of them, Hapta's own too. */
  cookie: string | undefined;
  acceptEncoding: string | undefined;
  isEncoded: boolean;
  isSigned: boolean;
  wantsCookie: boolean;
}

export type Admit = (request: WireRequest, traced: Traced) => Exchange | Promise<Exchange>;

export const createAdmit = ({ settings, limits, clientOf, isAdminClient }: Services): Admit => {
  const hosts = new Set(settings.security.hosts);
  const rebuildBody = createRebuildBody();
  const pageOf = createPageOf(settings.security.origins);
  const checkBody = createBodyCheck(settings);
  const hasApps = settings.security.apps.length > 0;

  return (request, { id, startedMs }) => {
    const { head, peer, presence } = request;
    if (!METHODS.has(head.method)) throw new Refusal("method_not_allowed");
    const method = head.method as Method;
    const { path, query, route } = parseTarget(method, head.target);
    const facts = readFields(head, route);
    // Health checkers come by address, with any Host or none.
    if (route.kind !== "probe") checkHost(facts.host, hosts);
    const { forwardedFor, forwardedProto, isForwarded } = facts;
    const client = clientOf({ peer, forwardedFor, forwardedProto, isForwarded });
    const page = pageOf(facts, { method, path, isSecure: client.isSecure });
    const isAdmin = isAdminClient(client);
    // Hidden, not forbidden: to everybody else the superuser area does not exist.
    if (route.isAdmin === true && !isAdmin) throw new Refusal("not_found");
    const body = toBody(route, facts, request);
    checkBody(body, route, facts.contentType);
    const exchange: Exchange = {
      id,
      startedMs,
      method,
      path,
      query,
      route,
      headers: facts.connection === undefined ? facts.kept : withoutNamed(facts.kept, facts.connection),
      acceptEncoding: facts.acceptEncoding,
      isSigned: hasApps && facts.isSigned,
      authorizations: facts.authorizations,
      host: facts.host,
      cookie: facts.cookie,
      client,
      page,
      body,
      wantsCookie: facts.wantsCookie && settings.security.cookies.isEnabled,
      cookieToken: undefined,
      setCookies: undefined,
      proven: NOTHING,
      limitHeaders: undefined,
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

const isReadWhole = ({ isSigned, route }: Exchange): boolean =>
  isSigned || route.body === "struct" || route.body === "batch";

const parseTarget = (method: Method, target: string): { path: string; query: string; route: Route } => {
  if (target.length > TARGET_BYTES_MAX) throw new Refusal("uri_too_long");
  const mark = target.indexOf("?");
  const query = mark < 0 ? "" : target.slice(mark + 1);
  if (query !== "" && !QUERY.test(query)) throw new Refusal("path_invalid");
  const canonical = canonicalPath(mark < 0 ? target : target.slice(0, mark));
  if (canonical.kind !== "path")
    throw new Refusal(canonical.kind === "invalid" ? "path_invalid" : "not_found");
  return { path: canonical.path, query, route: toRoute(method, canonical.segments) };
};

const readFields = ({ names, values }: RequestHead, { isFile }: Route): Facts => {
  // Answers are looked through for tokens on their way back: PocketBase is asked for them as they are.
  const keepsCodings = isFile === true;
  const facts: Facts = {
    kept: [],
    authorizations: [],
    host: undefined,
    contentType: undefined,
    connection: undefined,
    forwardedFor: undefined,
    forwardedProto: undefined,
    isForwarded: false,
    origin: undefined,
    fetchSite: undefined,
    cookie: undefined,
    acceptEncoding: undefined,
    isEncoded: false,
    isSigned: false,
    wantsCookie: false,
  };
  for (let i = 0; i < names.length; i++) {
    const name = names[i];
    const value = values[i];
    if (name === undefined || value === undefined) break;
    if (name.lower === "authorization") facts.authorizations.push(value);
    else if (name.lower === "cookie") noteCookie(facts, name.text, value);
    else if (!name.isDropped && (keepsCodings || name.lower !== "accept-encoding"))
      facts.kept.push(name.text, value);
    if (name.isForwarding) facts.isForwarded = true;
    noteFact(facts, name.lower, value);
  }
  return facts;
};

// Hapta's own cookies stay here; hooks may use the others.
const noteCookie = (facts: Facts, name: string, value: string): void => {
  facts.cookie = facts.cookie === undefined ? value : `${facts.cookie}; ${value}`;
  const others = withoutOwnCookies(value);
  if (others !== "" || value === "") facts.kept.push(name, others);
};

// Each of these decides something, so a second one would be a second meaning.
const once = (present: string | undefined, value: string): string => {
  if (present !== undefined) throw new Refusal("header_invalid");
  return value;
};

const noteFact = (facts: Facts, lower: string, value: string): void => {
  switch (lower) {
    case "host":
      if (facts.host !== undefined) throw new Refusal("host_invalid");
      facts.host = value;
      return;
    case "content-type":
      facts.contentType = once(facts.contentType, value);
      return;
    case "accept-encoding":
      facts.acceptEncoding = joined(facts.acceptEncoding, value);
      return;
    case "content-encoding":
      facts.isEncoded ||= value !== "" && value.toLowerCase() !== "identity";
      return;
    case "connection":
      if (!/^(?:keep-alive|close)$/i.test(value)) facts.connection = joined(facts.connection, value);
      return;
    case "x-forwarded-for":
      facts.forwardedFor = joined(facts.forwardedFor, value);
      return;
    case "x-forwarded-proto":
      facts.forwardedProto = joined(facts.forwardedProto, value);
      return;
    case "origin":
      // Two are none that is listed.
      facts.origin = joined(facts.origin, value);
      return;
    case "signature-input":
      facts.isSigned = true;
      return;
    case "x-hapta-cookie":
      facts.wantsCookie = value === "1";
      return;
    case "sec-fetch-site":
      facts.fetchSite = joined(facts.fetchSite, value);
  }
};

const joined = (present: string | undefined, value: string): string =>
  present === undefined ? value : `${present},${value}`;

const checkHost = (host: string | undefined, allowed: ReadonlySet<string>): void => {
  const name = host === undefined ? undefined : hostName(host);
  if (name === undefined) throw new Refusal("host_invalid");
  if (allowed.size > 0 && !allowed.has(name)) throw new Refusal("host_unknown");
};

// RFC 9110 section 7.6.1: headers named by Connection are for this hop only.
const withoutNamed = (headers: readonly string[], connection: string): string[] => {
  const named = new Set(connection.split(",").map((name) => name.trim().toLowerCase()));
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (!named.has(name.toLowerCase())) kept.push(name, headers[i + 1] ?? "");
  }
  return kept;
};

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
  const decision = limits.foresee({ caller: guestAt(exchange.client.address), audience, deed: exchange });
  if (decision.ok) return;
  const { rule, waitMs, headers } = decision;
  const { message } = limits.config;
  throw limitRefusal(exchange.headers, { code: "rate_limited", waitMs, policy: rule.name, message, headers });
};

const NO_BODY: RequestBody = { kind: "none" };

const toBody = (route: Route, facts: Facts, { head, source }: WireRequest): RequestBody => {
  if (source === undefined || route.body === "drop") return NO_BODY;
  // The app's own routes may take what they like.
  if (facts.isEncoded && route.kind !== "custom") throw new Refusal("body_encoded");
  return { kind: "stream", source, length: head.framing.kind === "length" ? head.framing.length : undefined };
};
