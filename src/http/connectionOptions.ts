// What a client connection is given: its socket, whom it hands requests to, and its deadlines. Types only.
import type { Answer } from "./answer.ts";
import type { WritableSocket } from "./outbox.ts";
import type { WireRequest } from "./wireRequest.ts";

/** The part of a Bun socket a connection needs. */
export interface ClientSocket extends WritableSocket {
  readonly remoteAddress: string;
  pause(): void;
  resume(): void;
  /** Sends FIN; reading goes on. */
  shutdown(): void;
  terminate(): void;
}

/** Takes a request to its answer; must not throw or reject. */
export type Handle = (request: WireRequest) => Answer | Promise<Answer>;

/** The answer to what is not HTTP. */
export type Refuse = (reason: "malformed" | "too_large" | "too_slow") => Answer;

export interface ConnectionOptions {
  readonly handle: Handle;
  readonly refuse: Refuse;
  readonly timeouts: Timeouts;
}

/** In ms. */
export interface Timeouts {
  /** From the first byte of a head to its last. */
  readonly headMs: number;
  /** A connection without a request. */
  readonly idleMs: number;
  /** An answer the client does not take. */
  readonly stallMs: number;
  /** How long a closing connection goes on reading, so that its last answer is not lost to a reset. */
  readonly lingerMs: number;
}
