// The first and the last word on every request: its id, its clock, its one log line.
import { Refusal } from "../errors.ts";
import type { Answer } from "../http/answer.ts";
import type { WireRequest } from "../http/wireRequest.ts";
import type { Services } from "../services.ts";

/** What `trace` knows before the request is understood. */
export interface Traced {
  readonly id: string;
  /** Monotonic milliseconds at arrival. */
  readonly startedMs: number;
  readonly request: WireRequest;
}

export interface Trace {
  begin(request: WireRequest): Traced;
  /** Completes an answer from upstream or from a route. */
  finish(traced: Traced, answer: Answer): Answer;
  /** Completes a refusal; anything but a Refusal is a bug and is logged with its stack. */
  refuse(traced: Traced, answer: Answer, error: unknown): Answer;
}

export const createTrace = ({ log, settings }: Services): Trace => {
  // Unique over restarts and processes; the counter makes the rest.
  const prefix = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  let count = 0;
  const logsAll = settings.log.requests === "all";
  const logsErrors = settings.log.requests !== "off";

  const line = ({ id, startedMs, request }: Traced, status: number, code?: string): void => {
    const { method, target } = request.head;
    const query = target.indexOf("?");
    log(status >= 500 ? "warn" : "info", "request", {
      id,
      method,
      // Without the query: it carries file tokens and filters with personal data.
      path: (query < 0 ? target : target.slice(0, query)).slice(0, 512),
      status,
      ...(code === undefined ? {} : { code }),
      ms: Math.round((performance.now() - startedMs) * 10) / 10,
      peer: request.peer,
    });
  };

  return {
    begin: (request) => ({ id: prefix + (count++).toString(36), startedMs: performance.now(), request }),
    finish: (traced, answer) => {
      answer.headers.push("X-Request-Id", traced.id);
      if (logsAll || (logsErrors && answer.status >= 500)) line(traced, answer.status);
      return answer;
    },
    refuse: (traced, answer, error) => {
      answer.headers.push("X-Request-Id", traced.id);
      // PocketBase allows every origin unless told otherwise; without this a browser hides the reason.
      if (traced.request.head.names.some(({ lower }) => lower === "origin")) {
        answer.headers.push("Access-Control-Allow-Origin", "*");
      }
      if (error instanceof Refusal) {
        if (logsAll || (logsErrors && answer.status >= 500 && !traced.request.presence.isGone))
          line(traced, answer.status, error.code);
      } else {
        log("error", "a request failed unexpectedly", {
          id: traced.id,
          error: String(error),
          stack: stackOf(error),
        });
      }
      return answer;
    },
  };
};

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);
