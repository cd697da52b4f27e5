// The Exchange: one request in its only parsed form. `admit` makes it; later stages read and extend it.
// Nothing after `admit` sees the raw request, and what is forwarded is rebuilt from here.
import type { BatchFiles } from "./batch/batchFiles.ts";
import type { KeptRefresh } from "./cache/keptRefreshes.ts";
import type { Lease } from "./cache/versions.ts";
import type { Refusal } from "./errors.ts";
import type { Answer, RequestBody } from "./http/answer.ts";
import type { Presence } from "./http/wireRequest.ts";
import type { Route } from "./pocketbase/routes.ts";
import type { Session } from "./sessions/liveSessions.ts";
import type { Client } from "./utils/address.ts";

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS";

/**
 * Who asks.
 * - `guest`: no token, or one that counts for nothing; `ended` says which session it was when it was one of ours.
 * - `record`: the holder of a live session, or (without one) of an adopted PocketBase token that nobody has verified
 *   here, whoever it names.
 * - `superuser`: the holder of a live session.
 * - `stale`: the holder of a superseded token; only a refresh may still heal that.
 * - `operator`: the holder of the admin key; nobody at all to PocketBase, and known to the admin API only.
 */
export type Principal =
  | { readonly kind: "guest"; readonly ended?: "revoked" | "expired" | "invalid" }
  | { readonly kind: "record"; readonly session: Session | undefined }
  | { readonly kind: "superuser" | "stale"; readonly session: Session }
  | { readonly kind: "operator"; readonly session: undefined };

/**
 * The web page that sent a request.
 * - `own`: served from the very origin it asks. `listed`: from one of `Security.Origins`. `foreign`: from any other.
 * - `none`: no browser said anything; an app, a server, or a navigation.
 */
export type Page = "own" | "listed" | "foreign" | "none";

/** What a request has proven beside its token; all undefined when it proved nothing. */
export interface Proven {
  /** The app whose signature it carries. */
  readonly appId?: string;
  /** The app is a server that acts for several browsers. */
  readonly isConfidential?: boolean;
  /** Thumbprint of the key of its DPoP proof. */
  readonly jkt?: string;
  /** The nonce to tell the client, because the one it used runs out. */
  readonly nextNonce?: string | undefined;
}

/** Parts of a request as they were received. */
export interface AsSigned {
  readonly headers: readonly string[];
  readonly query: string;
  /** SHA-256 of the body in base64; undefined when it is too large to be read whole. */
  readonly bodyDigest: string | undefined;
}

/**
 * A refresh, as far as PocketBase's answer to it may be kept. `kept`: it was not asked, this is what it would say.
 * `asked`: under this lease, taken at this monotonic time.
 */
export type RefreshKeeping =
  | { readonly kind: "kept"; readonly kept: KeptRefresh }
  | { readonly kind: "asked"; readonly key: string; readonly lease: Lease; readonly sinceMs: number };

/** A login, or another try of a secret, under way. */
export interface PendingLogin {
  /** Passes the answer on when its time has come. */
  answered(answer: Answer): Promise<Answer>;
  /** Hapta itself refused, or something broke: nothing was judged. @returns why, when the try itself was what broke. */
  refused(): Refusal | undefined;
}

export interface Exchange {
  /** Request id, also sent as `X-Request-Id`. */
  readonly id: string;
  /** Monotonic milliseconds at arrival. */
  readonly startedMs: number;
  /**
   * The same object for requests with the same head, to the byte, over one connection: what follows from the head alone
   * may be remembered by it. Nothing else may: who asks, limits, versions and time are new each time.
   */
  readonly alike: object | undefined;
  readonly method: Method;
  /** Canonical path, escapes upper-cased, never with dot or empty segments. */
  readonly path: string;
  /** Query without `?`, as received but for file tokens (PocketBase's rules may read any of it); "" when absent. */
  query: string;
  readonly route: Route;
  /** End-to-end headers that may travel on: flat list, names as received. */
  readonly headers: readonly string[];
  /** Which content codings the client takes, where `headers` does not say; PocketBase never encodes those answers. */
  readonly acceptEncoding: string | undefined;
  /** It carries a request signature, and there are apps that sign. */
  readonly isSigned: boolean;
  /** All values of `Authorization`, in order. */
  readonly authorizations: readonly string[];
  /** The Host field as received, checked to be a host; only probes may come without. Never names the upstream. */
  readonly host: string | undefined;
  /** The whole Cookie field; `headers` has it without Hapta's own cookies. */
  readonly cookie: string | undefined;
  readonly client: Client;
  /** Which web page asks. */
  readonly page: Page;
  /** Replaced where what flows through it is counted. */
  body: RequestBody;
  /** The checked payload of a batch: `{"requests":[...]}`, whatever it travels in. */
  readonly batchPayload?: Uint8Array;
  /** The files of a batch in a form. */
  readonly batchFiles?: BatchFiles;
  /** What a signature was made over, when the body was written anew since. */
  readonly asSigned?: AsSigned;
  /** Of a request for a WebSocket: its `Sec-WebSocket-Key`, checked. */
  readonly socketKey: string | undefined;
  /** Asked to keep the session in a cookie (`X-Hapta-Cookie: 1`); only where `Security.Cookies` allows it. */
  readonly wantsCookie: boolean;
  /** The session cookie's token, when that is what counts: `identify` saw no other. */
  cookieToken: string | undefined;
  /** Values of `Set-Cookie` that leave with whatever the answer is, refusals too. */
  setCookies: string[] | undefined;
  proven: Proven;
  principal: Principal;
  /** Value of the Authorization header that PocketBase gets; never the client's own token. */
  credential: string | undefined;
  /** `query` with a new file token of PocketBase's, as long as the client's still stands for somebody; set by `identify`. */
  renewQuery?: (() => Promise<string>) | undefined;
  /** The rate-limit fields that leave with whatever the answer is, as lines with their CRLF; set by `meter`. */
  limitLines: string | undefined;
  /** A secret that may be a guess, of which the limits want to hear the end; set by `meter`. */
  loginTry: PendingLogin | undefined;
  /** Value of the Cache-Status field (RFC 9211) of whatever the answer is; set by `cache` for reads of records. */
  cacheStatus: string | undefined;
  /** Set by `cache` for refreshes whose answer may be kept. */
  refresh?: RefreshKeeping;
  /** The answer holds no token: it was looked through when it was kept. */
  isChecked: boolean;
  /**
   * Set for writes: called once before the client is answered, with the answer's status, with `unsent` when the write
   * never left Hapta, or with undefined when nobody knows what became of it.
   */
  whenDone: ((status: number | "unsent" | undefined) => void) | undefined;
  /** Told when the client goes away before its answer is complete. */
  readonly presence: Presence;
}

/** Whether a method may change something (RFC 9110 section 9.2.1). */
export const isUnsafe = (method: Method): boolean =>
  method !== "GET" && method !== "HEAD" && method !== "OPTIONS";

/**
 * Whether PocketBase takes a caller for a superuser. `unsure` for an adopted token, which PocketBase may refuse to
 * count: what it would answer is not known then.
 */
export const rankOf = (principal: Principal): "superuser" | "other" | "unsure" => {
  if (principal.kind === "guest") return "other";
  if (principal.session === undefined || principal.kind === "stale") return "unsure";
  return principal.kind === "superuser" ? "superuser" : "other";
};

/** Adds a Set-Cookie value to whatever the answer will be, in place of an earlier one for the same cookie. */
export const addCookie = (exchange: Exchange, cookie: string): void => {
  const start = cookie.slice(0, cookie.indexOf("=") + 1);
  const others = exchange.setCookies?.filter((other) => !other.startsWith(start)) ?? [];
  exchange.setCookies = [...others, cookie];
};

/** A stage refuses (throws a Refusal), answers, or lets the exchange pass by returning nothing. */
export type Stage = (exchange: Exchange) => Answer | undefined | Promise<Answer | undefined>;
