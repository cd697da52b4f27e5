// The Exchange: one request in its only parsed form. `admit` makes it; later stages read and extend it.
// Nothing after `admit` sees the raw request, and what is forwarded is rebuilt from here.
import type { Answer, RequestBody } from "./http/answer.ts";
import type { Presence } from "./http/wireRequest.ts";
import type { Route } from "./pocketbase/routes.ts";
import type { Client } from "./utils/address.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";

/** Who asks, as far as a relay must know. PocketBase is the judge of every token. */
export type Principal =
  | { readonly kind: "guest" }
  /** The token names a record of an auth collection; unverified. */
  | { readonly kind: "record" }
  /** The token names a superuser; unverified. */
  | { readonly kind: "superuser" };

export interface Exchange {
  /** Request id, also sent as `X-Request-Id`. */
  readonly id: string;
  /** Monotonic milliseconds at arrival. */
  readonly startedMs: number;
  readonly method: Method;
  /** Canonical path, escapes upper-cased, never with dot or empty segments. */
  readonly path: string;
  /** Query without `?`, as received (PocketBase's rules may read any of it); "" when absent. */
  readonly query: string;
  readonly route: Route;
  /** End-to-end headers that may travel on: flat list, names as received. */
  readonly headers: readonly string[];
  /** All values of `Authorization`, in order. */
  readonly authorizations: readonly string[];
  readonly client: Client;
  readonly body: RequestBody;
  principal: Principal;
  /** Told when the client goes away before its answer is complete. */
  readonly presence: Presence;
}

/** A stage refuses (throws a Refusal), answers, or lets the exchange pass by returning nothing. */
export type Stage = (exchange: Exchange) => Answer | undefined | Promise<Answer | undefined>;
