// Every refusal Hapta can decide on, in one table: status, public text, and the stage that owns it. Others may say
// it too: the listener says what is not HTTP, `forward` what goes wrong with a body on its way.
// The only place that renders a refusal; upstream answers are not refusals and never pass through here.
import type { Answer } from "./http/answer.ts";
import { OWN_HEADERS } from "./http/ownHeaders.ts";

interface ErrorRow {
  readonly status: number;
  /** Shown to the client. Never holds an address, a path of this machine or a runtime's own text. */
  readonly message: string;
  readonly stage: "trace" | "admit" | "identify" | "meter" | "redeem" | "validate" | "cache" | "forward";
}

/** The header that holds the code of a refusal. */
export const ERROR_HEADER = "X-Hapta-Error";

/** What a page may read of a refusal beside the headers that every page may (Fetch standard, safelisted headers). */
export const EXPOSED_HEADERS = "Retry-After, RateLimit, RateLimit-Policy, X-Hapta-Error, X-Request-Id";

/** One row per stable code; the code travels in `X-Hapta-Error`, the rest in PocketBase's error shape. */
export const ERRORS = {
  internal: { status: 500, message: "Something went wrong while processing your request.", stage: "trace" },
  request_malformed: { status: 400, message: "The request is not valid HTTP.", stage: "admit" },
  head_too_slow: { status: 408, message: "The request did not arrive in time.", stage: "admit" },
  headers_too_large: { status: 431, message: "The request headers are too large.", stage: "admit" },
  method_not_allowed: { status: 405, message: "The request method is not supported.", stage: "admit" },
  upgrade_required: { status: 426, message: "This path speaks WebSocket only.", stage: "admit" },
  upgrade_invalid: { status: 400, message: "The request for a WebSocket is not valid.", stage: "admit" },
  host_invalid: {
    status: 400,
    message: "The Host header must be present once and be a valid host.",
    stage: "admit",
  },
  host_unknown: {
    status: 421,
    message: "This server does not answer for the requested host.",
    stage: "admit",
  },
  path_invalid: {
    status: 400,
    message: "The request path has characters or escapes that are not allowed.",
    stage: "admit",
  },
  uri_too_long: { status: 414, message: "The request URL is longer than 8192 bytes.", stage: "admit" },
  header_invalid: {
    status: 400,
    message: "A request header is repeated or has an invalid value.",
    stage: "admit",
  },
  origin_denied: {
    status: 403,
    message: "Requests from this web page are not accepted.",
    stage: "admit",
  },
  body_too_large: { status: 413, message: "Request entity too large.", stage: "admit" },
  body_too_slow: { status: 408, message: "The request body did not arrive in time.", stage: "admit" },
  body_encoded: { status: 415, message: "Encoded request bodies are not supported.", stage: "admit" },
  media_type_unsupported: {
    status: 415,
    message: "This content type is not supported here; send JSON or a form.",
    stage: "admit",
  },
  body_invalid: { status: 400, message: "The request body is not valid.", stage: "admit" },
  batch_invalid: { status: 400, message: "The batch request is not valid.", stage: "admit" },
  input_invalid: { status: 400, message: "The request has values that are not valid.", stage: "admit" },
  not_found: { status: 404, message: "The requested resource wasn't found.", stage: "admit" },
  authorization_invalid: {
    status: 400,
    message: "The Authorization header must be present at most once and hold one token.",
    stage: "identify",
  },
  session_stale: {
    status: 401,
    message: "The token was replaced by a newer one; refresh the session.",
    stage: "identify",
  },
  session_required: {
    status: 401,
    message: "The request requires valid record authorization token.",
    stage: "identify",
  },
  signature_invalid: {
    status: 401,
    message: "The signature of the request is not valid.",
    stage: "identify",
  },
  app_required: {
    status: 401,
    message: "The session counts only in requests that its app has signed.",
    stage: "identify",
  },
  dpop_required: {
    status: 401,
    message: "The session counts only with a proof of its key.",
    stage: "identify",
  },
  dpop_invalid: { status: 401, message: "The proof of the session's key is not valid.", stage: "identify" },
  dpop_nonce: {
    status: 401,
    message: "The proof must be signed again, with the nonce of this answer.",
    stage: "identify",
  },
  write_denied: {
    status: 403,
    message: "The collection takes writes from other apps or sessions only.",
    stage: "identify",
  },
  sessions_unavailable: {
    status: 503,
    message: "Sessions can't be stored at the moment. Please try again shortly.",
    stage: "identify",
  },
  csrf_denied: {
    status: 403,
    message: "A cookie session only counts for requests from the app's own pages.",
    stage: "identify",
  },
  superuser_refused: {
    status: 401,
    message: "Superuser tokens are not accepted from this address.",
    stage: "identify",
  },
  admin_key_required: { status: 401, message: "The request requires the admin key.", stage: "identify" },
  admin_key_blocked: {
    status: 429,
    message: "Too many wrong admin keys came from this address. Please try again later.",
    stage: "identify",
  },
  banned: { status: 403, message: "You are not allowed to perform this request.", stage: "meter" },
  rate_limited: { status: 429, message: "Too many requests.", stage: "meter" },
  too_many_at_once: { status: 429, message: "Too many requests.", stage: "meter" },
  too_many_streams: { status: 429, message: "Too many requests.", stage: "meter" },
  subscription_invalid: { status: 400, message: "The subscription is not valid.", stage: "meter" },
  realtime_full: {
    status: 503,
    message: "Too many users are connected to realtime. Please try again shortly.",
    stage: "meter",
  },
  subscription_denied: { status: 403, message: "The subscription is not allowed.", stage: "meter" },
  channel_denied: { status: 403, message: "The channel is not open to this caller.", stage: "meter" },
  channel_full: { status: 503, message: "The channel is full.", stage: "meter" },
  login_delayed: { status: 429, message: "Too many requests.", stage: "meter" },
  oauth_verifier_invalid: {
    status: 400,
    message: "The code verifier was not issued for this login, or it is too old.",
    stage: "redeem",
  },
  oauth_redirect_invalid: {
    status: 400,
    message: "The redirect URL is not one of those that are allowed.",
    stage: "redeem",
  },
  oauth_code_used: { status: 400, message: "The code was used before.", stage: "redeem" },
  oauth_request_invalid: {
    status: 400,
    message: "A parameter of the login is missing, repeated or invalid.",
    stage: "redeem",
  },
  oauth_provider_unknown: {
    status: 404,
    message: "This collection offers no login through that provider.",
    stage: "redeem",
  },
  oauth_state_invalid: {
    status: 400,
    message: "This login is over, too old, or was started in another browser.",
    stage: "redeem",
  },
  oauth_code_invalid: {
    status: 400,
    message: "The code is unknown, used or too old, or its verifier is wrong.",
    stage: "redeem",
  },
  authorization_pending: {
    status: 400,
    message: "The device was not let in yet; ask again later.",
    stage: "redeem",
  },
  slow_down: { status: 400, message: "The device asks too often.", stage: "redeem" },
  access_denied: { status: 400, message: "The login was denied.", stage: "redeem" },
  expired_token: { status: 400, message: "The device code is unknown, used or too old.", stage: "redeem" },
  oauth_busy: {
    status: 503,
    message: "Too many logins are under way. Please try again shortly.",
    stage: "redeem",
  },
  query_invalid: {
    status: 400,
    message: "Something went wrong while processing your request.",
    stage: "validate",
  },
  query_too_costly: {
    status: 400,
    message: "The query asks for more than is allowed here.",
    stage: "validate",
  },
  record_invalid: { status: 400, message: "Failed to create record.", stage: "validate" },
  auth_invalid: {
    status: 400,
    message: "An error occurred while validating the submitted data.",
    stage: "validate",
  },
  upload_invalid: {
    status: 400,
    message: "The upload has no length, no fitting metadata, or asks for what is not offered.",
    stage: "forward",
  },
  upload_version: {
    status: 412,
    message: "Uploads speak tus 1.0.0; say so in Tus-Resumable.",
    stage: "forward",
  },
  upload_conflict: {
    status: 409,
    message: "The upload goes on elsewhere, or at another offset; ask for it again.",
    stage: "forward",
  },
  upload_corrupt: {
    status: 460,
    message: "The bytes are not what their checksum says; send them again.",
    stage: "forward",
  },
  upload_refused: { status: 400, message: "The uploaded file was not accepted.", stage: "forward" },
  spool_full: { status: 507, message: "There is no room for more unfinished uploads.", stage: "forward" },
  file_refused: { status: 400, message: "The file is not accepted.", stage: "forward" },
  overloaded: { status: 503, message: "The server is busy. Please try again shortly.", stage: "forward" },
  upstream_unreachable: { status: 502, message: "The upstream server can't be reached.", stage: "forward" },
  upstream_invalid: { status: 502, message: "The upstream server sent an invalid answer.", stage: "forward" },
  upstream_timeout: { status: 504, message: "The upstream server didn't answer in time.", stage: "forward" },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

/** What problem details say beside status and message. */
export interface Problem {
  /** URI of the problem's type. */
  readonly type: string;
  readonly title: string;
  /** Members of this type. */
  readonly members: Readonly<Record<string, unknown>>;
}

/** What a refusal may add to its table row. */
export interface RefusalDetail {
  /** PocketBase's `data` member: field name to `{code, message}`. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Seconds the client should wait; sent as `Retry-After`. */
  readonly retryAfterSeconds?: number;
  /** What the operator wants to be said instead of the row's message. */
  readonly message?: string;
  /** Rendered as problem details (RFC 9457), for clients that asked for them. */
  readonly problem?: Problem;
  /** Further headers, name, value...: challenges, what is left of a limit. */
  readonly headers?: readonly string[];
  readonly cause?: unknown;
}

/** A decision not to serve a request. Thrown by stages, rendered once by {@link renderRefusal}. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly code: ErrorCode;
  readonly detail: RefusalDetail;

  constructor(code: ErrorCode, detail: RefusalDetail = {}) {
    super(ERRORS[code].message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.detail = detail;
  }
}

/** The answer for a refusal: PocketBase's error shape, the members in PocketBase's order; or problem details. */
export const renderRefusal = (code: ErrorCode, detail: RefusalDetail = {}): Answer => {
  const { status } = ERRORS[code];
  const { problem, data = {}, message = ERRORS[code].message } = detail;
  const body =
    problem === undefined
      ? JSON.stringify({ data, message, status })
      : JSON.stringify({
          type: problem.type,
          title: problem.title,
          status,
          detail: message,
          ...problem.members,
        });
  const type = problem === undefined ? "application/json" : "application/problem+json";
  const headers = ["Content-Type", type, ERROR_HEADER, code, ...OWN_HEADERS];
  if (detail.retryAfterSeconds !== undefined) headers.push("Retry-After", String(detail.retryAfterSeconds));
  if (detail.headers !== undefined) headers.push(...detail.headers);
  return { status, headers, body: Buffer.from(`${body}\n`) };
};
