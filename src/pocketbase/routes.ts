// PocketBase's route table as Hapta reads it: from method and canonical path to a Route.
// Decides nothing about callers; unknown paths belong to the app (hooks add routes anywhere).

/** Kinds of traffic; each has a row in `PLANS` (src/pipeline.ts). */
export type TrafficKind =
  | "probe"
  | "control"
  | "docs"
  | "session"
  | "preflight"
  | "auth"
  | "oauth"
  | "records"
  | "batch"
  | "file"
  | "files"
  | "realtime"
  | "admin"
  | "custom";

/**
 * How a request body is treated.
 * - `drop`: never forwarded.
 * - `struct`: a JSON object PocketBase decodes into a fixed shape; parsed and rebuilt.
 * - `batch`: parsed, every sub-request re-checked, rebuilt.
 * - `stream`: forwarded as it flows.
 */
export type BodyPolicy = "drop" | "struct" | "batch" | "stream";

export interface Route {
  readonly kind: TrafficKind;
  readonly body: BodyPolicy;
  /** Only superusers use it: hidden from clients that may not see their area. */
  readonly isAdmin?: true;
  /** Collection segment, lower-cased; a name or an id. */
  readonly collection?: string;
  /** Segment behind the collection, lower-cased, such as `auth-refresh`. */
  readonly operation?: string;
  /** What is answered is a file, not text that was written for the caller. */
  readonly isFile?: true;
  /** The answer stays open as long as the client wants. */
  readonly isStream?: boolean;
  /** What is asked for is a WebSocket. */
  readonly isSocket?: true;
}

/** Id of the `_superusers` collection, the same in every PocketBase since 0.23. */
export const SUPERUSERS_ID = "pbc_3142635823";

const isSuperusers = (collection: string): boolean =>
  collection === "_superusers" || collection === SUPERUSERS_ID;

/** First segments under `/api` that only superusers may use. */
const ADMIN_AREAS = new Set(["settings", "logs", "backups", "crons", "sql"]);

const ADMIN: Route = { kind: "admin", body: "stream", isAdmin: true };
const ADMIN_FILE: Route = { ...ADMIN, isFile: true };
const CUSTOM: Route = { kind: "custom", body: "stream" };
const FILE: Route = { kind: "file", body: "stream", isFile: true };
const FILE_TOKEN: Route = { kind: "file", body: "struct" };
/** Of the docs everything is a file: nothing in it was written by PocketBase for the caller. */
const DOCS: Route = { kind: "docs", body: "drop", isFile: true };
const PROBE: Route = { kind: "probe", body: "drop" };
const CONTROL: Route = { kind: "control", body: "stream" };
const SESSION: Route = { kind: "session", body: "drop" };
const PROBE_PATHS = new Set(["live", "ready"]);
const OAUTH: Route = { kind: "oauth", body: "struct" };
/** Hapta's own paths about files, beside PocketBase's. */
const FILES: Route = { kind: "files", body: "stream" };
const TUS: Route = { kind: "files", body: "stream", operation: "tus" };
const SOCKET: Route = { kind: "realtime", body: "drop", isStream: true, isSocket: true };
const SESSION_PATHS = new Set(["sessions", "logout", "verify"]);
const FILES_PATHS = new Set(["sign"]);

// The same few paths come again and again; one object for each keeps them cheap to make and to read.
const ROUTES_MAX = 2048;
const routes = new Map<string, Route>();

/** The route of a canonical path, split into its segments. Total: unknown paths are `custom`. */
export const toRoute = (method: string, segments: readonly string[]): Route => {
  const [area = "", second = "", third = "", fourth = ""] = segments;
  // Nothing behind the fourth segment decides anything; `/` stands in no segment.
  const key = `${method} ${segments.length}/${area}/${second}/${third}/${fourth}`;
  const known = routes.get(key);
  if (known !== undefined) return known;
  const route = makeRoute(method, segments);
  if (routes.size < ROUTES_MAX) routes.set(key, route);
  return route;
};

const makeRoute = (method: string, segments: readonly string[]): Route => {
  const route = routeOf(method, segments);
  // No page of another origin has business with the admin API: its preflights are not answered.
  if (method === "OPTIONS" && route.kind !== "control" && route.operation !== "tus")
    return route.isAdmin ? { ...ADMIN, body: "drop" } : { kind: "preflight", body: "drop" };
  return method === "GET" || method === "HEAD" || method === "OPTIONS" ? { ...route, body: "drop" } : route;
};

const routeOf = (method: string, segments: readonly string[]): Route => {
  const [area, second] = segments;
  // PocketBase matches its own prefixes case-sensitively; look-alikes must not slip past the policy.
  const prefix = area?.toLowerCase();
  if (prefix === "_") return ADMIN_FILE;
  if (prefix === "api") return apiRoute(method, segments);
  if (isDocs(method, segments)) return DOCS;
  if (area === "ws" && second === "realtime" && segments.length === 2) return SOCKET;
  return ownRoute(area, second) ?? CUSTOM;
};

const REALTIME_METHODS = new Set(["GET", "HEAD", "POST"]);
const DOCS_PAGES = new Set(["", "openapi.json", "api-reference"]);

// Pages are read; what else an app does at `/` is its own.
const isDocs = (method: string, [area = "", place, , fourth]: readonly string[]): boolean => {
  if (method !== "GET" && method !== "HEAD") return false;
  if (place === undefined) return DOCS_PAGES.has(area);
  return area === "hapta" && place === "assets" && fourth === undefined;
};

const ownRoute = (area: string | undefined, place = ""): Route | undefined => {
  if (area === "metrics" && place === "") return CONTROL;
  if (area === "hapta") return PROBE_PATHS.has(place) ? PROBE : CONTROL;
  if (area === "auth" && place === "oauth2") return OAUTH;
  if (area === "files" && place === "tus") return TUS;
  if (area === "files" && FILES_PATHS.has(place)) return FILES;
  return area === "auth" && SESSION_PATHS.has(place) ? SESSION : undefined;
};

const apiRoute = (method: string, segments: readonly string[]): Route => {
  const [, second, third, fourth] = segments;
  const name = second?.toLowerCase() ?? "";
  if (name === "backups" && method === "GET" && third !== undefined) return ADMIN_FILE;
  if (ADMIN_AREAS.has(name)) return ADMIN;
  if (name === "collections") return collectionRoute(method, segments);
  if (name === "batch") return { kind: "batch", body: method === "POST" ? "batch" : "stream" };
  // As PocketBase spells it; whatever else it answers there is 404.
  if (second === "realtime" && segments.length === 2 && REALTIME_METHODS.has(method))
    return { kind: "realtime", body: "struct", isStream: method === "GET" };
  if (name === "files") return third === "token" && fourth === undefined ? FILE_TOKEN : FILE;
  if (name === "oauth2-redirect") return { kind: "auth", body: "struct", operation: "oauth2-redirect" };
  return CUSTOM;
};

// /api/collections/{collection}/{operation}/...
const collectionRoute = (method: string, segments: readonly string[]): Route => {
  const collection = segments[2]?.toLowerCase();
  const operation = segments[3]?.toLowerCase();
  if (collection === undefined || operation === undefined || collection === "meta") return ADMIN;
  // No collection has such a name, but PocketBase folds letters beyond ASCII when it looks one up:
  // `_%C5%BFuperusers` is `_superusers` to it. Whatever needs an escape is the superusers' for all we know.
  if (collection.includes("%")) return ADMIN;
  const place = { collection, operation };
  const admin =
    isSuperusers(collection) || ADMIN_OPERATIONS.has(operation) ? ({ isAdmin: true } as const) : {};
  if (operation === "truncate") return { kind: "admin", body: "stream", ...place, ...admin };
  if (operation === "records") return { kind: "records", body: "stream", ...place, ...admin };
  if (AUTH_OPERATIONS.has(operation)) {
    return { kind: "auth", body: method === "POST" ? "struct" : "stream", ...place, ...admin };
  }
  return { kind: "custom", body: "stream", ...place, ...admin };
};

const ADMIN_OPERATIONS = new Set(["truncate", "impersonate"]);

const AUTH_OPERATIONS = new Set([
  "impersonate",
  "auth-methods",
  "auth-with-password",
  "auth-with-oauth2",
  "auth-with-otp",
  "auth-refresh",
  "request-otp",
  "request-verification",
  "confirm-verification",
  "request-password-reset",
  "confirm-password-reset",
  "request-email-change",
  "confirm-email-change",
]);

/** Whether a collection segment of any spelling names the superusers. */
export const namesSuperusers = (segment: string): boolean => isSuperusers(segment.toLowerCase());
