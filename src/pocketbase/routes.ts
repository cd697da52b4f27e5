// PocketBase's route table as Hapta reads it: from method and canonical path to a Route.
// Decides nothing about callers; unknown paths belong to the app (hooks add routes anywhere).

/** Kinds of traffic; each has a row in `PLANS` (src/pipeline.ts). */
export type TrafficKind =
  | "probe"
  | "preflight"
  | "auth"
  | "records"
  | "batch"
  | "file"
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
  /** Collection segment, lower-cased; a name or an id. */
  readonly collection?: string;
  /** The upstream stream stays open as long as the client wants. */
  readonly isStream?: boolean;
}

/** Id of the `_superusers` collection, the same in every PocketBase since 0.23. */
export const SUPERUSERS_ID = "pbc_3142635823";

const isSuperusers = (collection: string): boolean =>
  collection === "_superusers" || collection === SUPERUSERS_ID;

/** First segments under `/api` that only superusers may use. */
const ADMIN_AREAS = new Set(["settings", "logs", "backups", "crons", "sql"]);

const ADMIN: Route = { kind: "admin", body: "stream" };
const CUSTOM: Route = { kind: "custom", body: "stream" };
const HAPTA: Route = { kind: "probe", body: "drop" };

/** The route of a canonical path, split into its segments. Total: unknown paths are `custom`. */
export const toRoute = (method: string, segments: readonly string[]): Route => {
  const route = routeOf(method, segments);
  if (method === "OPTIONS") return { kind: route.kind === "admin" ? "admin" : "preflight", body: "drop" };
  return method === "GET" || method === "HEAD" ? { ...route, body: "drop" } : route;
};

const routeOf = (method: string, segments: readonly string[]): Route => {
  const [area, second, third, fourth] = segments;
  // PocketBase matches its own prefixes case-sensitively; look-alikes must not slip past the policy.
  const prefix = area?.toLowerCase();
  if (prefix === "_") return ADMIN;
  if (area === "hapta") return HAPTA;
  if (prefix !== "api") return CUSTOM;
  const name = second?.toLowerCase() ?? "";
  if (ADMIN_AREAS.has(name)) return ADMIN;
  if (name === "collections") return collectionRoute(method, segments);
  if (name === "batch") return { kind: "batch", body: method === "POST" ? "batch" : "stream" };
  if (name === "realtime") return { kind: "realtime", body: "struct", isStream: method === "GET" };
  if (name === "files")
    return { kind: "file", body: third === "token" && fourth === undefined ? "struct" : "stream" };
  if (name === "oauth2-redirect") return { kind: "auth", body: "stream" };
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
  if (isSuperusers(collection) || operation === "truncate" || operation === "impersonate") {
    return { kind: "admin", body: operation === "records" ? "stream" : "struct", collection };
  }
  if (operation === "records") return { kind: "records", body: "stream", collection };
  if (AUTH_OPERATIONS.has(operation)) {
    return { kind: "auth", body: method === "POST" ? "struct" : "stream", collection };
  }
  return { kind: "custom", body: "stream", collection };
};

const AUTH_OPERATIONS = new Set([
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
