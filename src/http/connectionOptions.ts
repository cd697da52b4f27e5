// A client connection as its listener sees it, and what it is given: its socket, whom it hands requests to, and its
// deadlines. Types only.
import type { Answer } from "./answer.ts";
import type { WritableSocket } from "./outbox.ts";
import type { WireRequest } from "./wireRequest.ts";

/** Whoever speaks with a client just now. */
export interface Connection {
  /** Bytes that arrived; never after `onClose`. */
  onData(chunk: Buffer): void;
  /** The socket takes bytes again. */
  onDrain(): void;
  /** The socket is gone; may be called twice. */
  onClose(): void;
  /** Acts on deadlines that have passed; called on a coarse clock with monotonic ms. */
  sweep(nowMs: number): void;
  /** The server is about to stop: ends when what is under way is done. */
  closeWhenDone(): void;
  /** Ends at once. */
  destroy(): void;
}

/** What hangs on a socket. */
export interface SocketData {
  /** Replaced when a client goes over to another protocol. Undefined for a socket that was not taken. */
  connection: Connection | undefined;
  /** Under which name it counts against the bounds of a peer; undefined where none counts. */
  readonly peer: string | undefined;
}

/** The part of a Bun socket a connection needs. */
export interface ClientSocket extends WritableSocket {
  readonly data: SocketData;
  readonly remoteAddress: string;
  pause(): void;
  resume(): void;
  /** Sends FIN; reading goes on. */
  shutdown(): void;
  /** Closes; what the kernel has taken still goes out, and the kernel bounds for how long. */
  close(): void;
  /** Resets: what the kernel has taken may be lost. */
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
  /** What a client must take of its answer within `stallMs` while more is waiting; 1 at least. */
  readonly takenBytesMin: number;
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
