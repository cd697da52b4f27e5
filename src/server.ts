// The front door: a listener whose requests walk the pipeline.
import { type ErrorCode, renderRefusal } from "./errors.ts";
import type { Refuse, Timeouts } from "./http/connectionOptions.ts";
import { Listener, type PeerBound } from "./http/listener.ts";
import type { Pipeline } from "./pipeline.ts";

export interface ServerOptions {
  readonly host: string;
  readonly port: number;
  readonly connectionsMax: number;
  /** How many connections one socket peer may have. */
  readonly peers?: PeerBound;
  /** Deadlines of client connections, where they differ from the listener's own. */
  readonly timeouts?: Partial<Timeouts>;
  /** Slowest a client may take an answer of which more is waiting. */
  readonly downloadBytesPerSecondMin?: number;
}

const CODES: Record<Parameters<Refuse>[0], ErrorCode> = {
  malformed: "request_malformed",
  too_large: "headers_too_large",
  too_slow: "head_too_slow",
};

/** Starts serving. @throws the system's error (port taken, no such address). */
export const startServer = (pipeline: Pipeline, options: ServerOptions): Listener =>
  new Listener({
    ...options,
    handle: pipeline,
    refuse: (reason) => {
      const lines = `X-Request-Id: ${crypto.randomUUID()}\r\n`;
      return { ...renderRefusal(CODES[reason]), lines };
    },
  });
