// The first and the last word on every request: its id, its clock, its one log line.
import { Refusal } from "../errors.ts";
import { type Exchange, isUnsafe } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { RequestHead } from "../http/requestHead.ts";
import type { WireRequest } from "../http/wireRequest.ts";
import type { Services } from "../services.ts";
import { keptPrivate, withoutHeaders } from "../utils/headers.ts";
import { momentMs } from "../utils/moment.ts";
import { createRequestIds } from "../utils/requestIds.ts";
import { createListedCors } from "./cors.ts";

/** What `trace` knows before the request is understood. */
export interface Traced {
  readonly id: string;
  /** Monotonic milliseconds at arrival. */
  readonly startedMs: number;
  readonly request: WireRequest;
  /** The request in its parsed form, once `admit` has made it. */
  exchange?: Exchange | undefined;
}

export interface Trace {
  begin(request: WireRequest): Traced;
  /** Completes an answer from upstream or from a route. */
  finish(traced: Traced, answer: Answer): Answer;
  /** Completes a refusal; anything but a Refusal is a bug and is logged with its stack. */
  refuse(traced: Traced, answer: Answer, error: unknown): Answer;
}

export const createTrace = ({ log, settings }: Services): Trace => {
  const nextId = createRequestIds();
  const logsAll = settings.log.requests === "all";
  const logsErrors = settings.log.requests !== "off";

  const listedCors = createListedCors(settings.security);

  // Beside the fields of an answer, which it shares with others, and as text, which is what they become anyway.
  const complete = ({ id, request, exchange }: Traced, answer: Answer, more = ""): Answer => {
    const { status, body, upgrade, frame } = answer;
    const headers = exchange === undefined ? answer.headers : fieldsFor(exchange, answer.headers);
    const about = exchange === undefined ? "" : linesOf(exchange);
    const lines = `X-Request-Id: ${id}\r\n${about}${more}`;
    const cors = listedCors?.(originOf(request.head), headers);
    return cors === undefined
      ? { status, headers, lines, body, upgrade, frame }
      : { status, headers: cors.headers, lines: lines + cors.lines, body, upgrade, frame };
  };

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
    begin: (request) => ({
      id: nextId(),
      startedMs: momentMs(),
      request,
      exchange: undefined,
    }),
    finish: (traced, answer) => {
      if (logsAll || (logsErrors && answer.status >= 500)) line(traced, answer.status);
      return complete(traced, answer);
    },
    refuse: (traced, answer, error) => {
      // PocketBase allows every origin unless told otherwise; without this a browser hides the reason.
      const isForAll = listedCors === undefined && originOf(traced.request.head) !== undefined;
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
      return complete(traced, answer, isForAll ? "Access-Control-Allow-Origin: *\r\n" : "");
    },
  };
};

const linesOf = ({ cacheStatus, limitLines = "", setCookies }: Exchange): string => {
  const status = cacheStatus === undefined ? "" : `Cache-Status: ${cacheStatus}\r\n`;
  return setCookies === undefined ? status + limitLines : status + limitLines + cookieLines(setCookies);
};

const fieldsFor = (exchange: Exchange, headers: readonly string[]): readonly string[] => {
  const own = isOwn(exchange) ? keptPrivate(headers) : headers;
  return exchange.setCookies === undefined ? own : withoutHeaders(own, ["cache-control", "expires"]);
};

// What a token writes is nothing that a cache might keep (RFC 9110 section 9.3.3).
const isOwn = ({ cookieToken, credential, method }: Exchange): boolean =>
  cookieToken !== undefined || (credential !== undefined && !isUnsafe(method));

// A cookie is one browser's: no cache on the way may give it to others, as it might together with a file.
const cookieLines = (cookies: readonly string[]): string =>
  `Cache-Control: no-store\r\n${cookies.map((cookie) => `Set-Cookie: ${cookie}\r\n`).join("")}`;

// A second value makes it none that could be listed.
const originOf = ({ names, values }: RequestHead): string | undefined => {
  const found = values.filter((_, i) => names[i]?.lower === "origin");
  return found.length > 1 ? found.join() : found[0];
};

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);
