// What a request's head says, whoever sends it and whenever: the part of the canonical parse that follows from the text
// alone. A helper of the stage `admit`; knows no client and no session.
import { Refusal } from "../errors.ts";
import type { Method } from "../exchange.ts";
import type { RequestHead } from "../http/requestHead.ts";
import type { WireRequest } from "../http/wireRequest.ts";
import { type Route, toRoute } from "../pocketbase/routes.ts";
import { withoutOwnCookies } from "../utils/cookies.ts";
import { hostName } from "../utils/host.ts";
import { canonicalPath } from "../utils/path.ts";

/** Longest request target in bytes; a filter of PocketBase's 3500 characters fits unless most are escaped. */
const TARGET_BYTES_MAX = 8192;
const METHODS = new Set<string>(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);
const QUERY = /^[\x21\x22\x24-\x7e]*$/;

/** What the fields say about the request as a whole. */
export interface Facts {
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

/** What follows from a head alone, whoever sends it and whenever. */
export interface Reading {
  readonly method: Method;
  readonly path: string;
  readonly query: string;
  readonly route: Route;
  readonly facts: Facts;
  readonly headers: readonly string[];
}

/** Makes the reader of heads; a head that comes again and again over one connection is read twice. */
export const createReadingOf = (hosts: ReadonlySet<string>): ((request: WireRequest) => Reading) => {
  const known = new WeakMap<RequestHead, Reading>();
  return ({ head, isRepeat }) => {
    const before = isRepeat ? known.get(head) : undefined;
    if (before !== undefined) return before;
    const reading = readHead(head, hosts);
    if (isRepeat) known.set(head, reading);
    return reading;
  };
};

const readHead = (head: RequestHead, hosts: ReadonlySet<string>): Reading => {
  if (!METHODS.has(head.method)) throw new Refusal("method_not_allowed");
  const method = head.method as Method;
  const { path, query, route } = parseTarget(method, head.target);
  const facts = readFields(head, route);
  // Health checkers come by address, with any Host or none.
  if (route.kind !== "probe") checkHost(facts.host, hosts);
  const headers = facts.connection === undefined ? facts.kept : withoutNamed(facts.kept, facts.connection);
  return { method, path, query, route, facts, headers };
};

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
