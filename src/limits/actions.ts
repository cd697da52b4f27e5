// What a request is to the limits: its class and its actions, by PocketBase's names. Decides no rates.
import type { Route } from "../pocketbase/routes.ts";

/** What rules match on, and what is weighed: a request, or one part of a batch. */
export interface Deed {
  readonly method: string;
  /** Canonical path. */
  readonly path: string;
  readonly route: Route;
}

/** Route classes: each has buckets of its own where a rule counts `By: "class"`. */
export type RouteClass =
  | "auth"
  | "auth-info"
  | "read"
  | "write"
  | "batch"
  | "file"
  | "realtime"
  | "admin"
  | "custom"
  | "preflight"
  | "session";

const isRead = (method: string): boolean => method === "GET" || method === "HEAD";

/** The class of a request. */
export const classOf = ({ method, route }: Deed): RouteClass => {
  switch (route.kind) {
    case "docs":
      return "read";
    case "records":
    case "files":
      return isRead(method) ? "read" : "write";
    case "auth":
    case "oauth":
      return isRead(method) ? "auth-info" : "auth";
    case "probe":
    case "control":
      // Not metered.
      return "custom";
    case "batch":
    case "file":
    case "realtime":
    case "admin":
    case "custom":
    case "preflight":
    case "session":
      return route.kind;
  }
};

const RECORD_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  POST: ["create"],
  PATCH: ["update"],
  DELETE: ["delete"],
  // Only inside a batch: creates or updates.
  PUT: ["create", "update"],
};

const AUTH_ACTIONS: Readonly<Record<string, readonly string[]>> = {
  "auth-methods": ["listAuthMethods"],
  "auth-refresh": ["authRefresh"],
  "auth-with-password": ["authWithPassword", "auth"],
  "auth-with-oauth2": ["authWithOAuth2", "auth"],
  "auth-with-otp": ["authWithOTP", "auth"],
  "request-otp": ["requestOTP"],
  "request-password-reset": ["requestPasswordReset"],
  "confirm-password-reset": ["confirmPasswordReset"],
  "request-verification": ["requestVerification"],
  "confirm-verification": ["confirmVerification"],
  "request-email-change": ["requestEmailChange"],
  "confirm-email-change": ["confirmEmailChange"],
};

/** Every action a rule can name: those of PocketBase's own rate-limit labels. */
export const ACTIONS: readonly string[] = [
  "list",
  "view",
  ...new Set([...Object.values(RECORD_ACTIONS), ...Object.values(AUTH_ACTIONS)].flat()),
  "file",
];

const NONE: readonly string[] = [];

/** The actions of a request, most telling first; empty for what PocketBase has no name for. */
export const actionsOf = ({ method, path, route }: Deed): readonly string[] => {
  if (route.kind === "file") return FILE;
  if (route.kind === "auth") return AUTH_ACTIONS[route.operation ?? ""] ?? NONE;
  if (route.kind !== "records") return NONE;
  if (isRead(method)) return path.split("/").length > 5 ? VIEW : LIST;
  return RECORD_ACTIONS[method] ?? NONE;
};

const FILE: readonly string[] = ["file"];
const VIEW: readonly string[] = ["view"];
const LIST: readonly string[] = ["list"];
