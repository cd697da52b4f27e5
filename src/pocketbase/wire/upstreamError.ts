// The ways an upstream exchange can fail, as values the forward stage turns into refusals.

export type UpstreamFailure =
  /** No connection, or it broke before an answer began. */
  | "unreachable"
  /** Not HTTP, ambiguous framing, or a broken-off body. */
  | "invalid"
  /** A deadline passed. */
  | "timeout"
  /** No room in flight or in the queue. */
  | "overloaded"
  /** The client stopped sending its body. */
  | "client_slow"
  /** The client's body broke a bound. */
  | "client_body_too_large"
  /** The client went away. */
  | "client_gone";

export class UpstreamError extends Error {
  override readonly name = "UpstreamError";
  readonly failure: UpstreamFailure;
  /** Nothing of an answer had arrived, on a connection that had served before: safe to send a GET again. */
  readonly isStaleConnection: boolean;

  constructor(
    failure: UpstreamFailure,
    detail: { readonly isStaleConnection?: boolean; readonly cause?: unknown } = {},
  ) {
    super(`upstream ${failure}`, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.failure = failure;
    this.isStaleConnection = detail.isStaleConnection ?? false;
  }
}
