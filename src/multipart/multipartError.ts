// The one error of the multipart reader. It says what is wrong with a body, not what to answer.

/** Stable name of what a body got wrong. */
export type MultipartFault =
  | "content_type"
  | "preamble"
  | "delimiter"
  | "epilogue"
  | "incomplete"
  | "header"
  | "disposition"
  | "name"
  | "encoding"
  | "nested"
  | "limit";

/** A multipart body that Hapta does not accept. `reason` is one sentence for the developer who sent it. */
export class MultipartError extends Error {
  override readonly name = "MultipartError";
  readonly fault: MultipartFault;
  readonly reason: string;

  constructor(fault: MultipartFault, reason: string) {
    super(reason);
    this.fault = fault;
    this.reason = reason;
  }
}
