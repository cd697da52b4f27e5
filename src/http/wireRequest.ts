// A request as the listener hands it over: its head, its body, and whether its client still waits. Types only.
import type { RequestHead } from "./requestHead.ts";
import type { RequestSource } from "./requestSource.ts";

/** Whether the client still waits, and whom to tell when it stops. */
export interface Presence {
  isGone: boolean;
  /** Set by whoever works for the client right now. */
  whenGone: (() => void) | undefined;
  /** Told once, when the answer is out or the client has stopped: whatever the request held is free again. */
  whenOver: (() => void) | undefined;
}

/** A request as it came off the wire. */
export interface WireRequest {
  readonly head: RequestHead;
  /** The head is the very object of the request before: what follows from it alone may be remembered with it. */
  readonly isRepeat: boolean;
  /** Socket peer as the system names it. */
  readonly peer: string;
  /** Undefined when the head announces no body. */
  readonly source: RequestSource | undefined;
  readonly presence: Presence;
}
