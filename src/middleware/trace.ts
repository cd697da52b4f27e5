// The first and the last word on every request: its id, its clock, its one log line.
import { Refusal } from "../errors.ts";
import { type Exchange, isUnsafe } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { RequestHead } from "../http/requestHead.ts";
import type { WireRequest } from "../http/wireRequest.ts";
import type { Services } from "../services.ts";
import { keepPrivate, withoutHeaders } from "../utils/headers.ts";
import { momentMs } from "../utils/moment.ts";
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
  // Unique over restarts and processes; the counter makes the rest.
  const prefix = crypto.randomUUID().replaceAll("-", "").slice(0, 12);
  let count = 0;
  const logsAll = settings.log.requests === "all";
  const logsErrors = settings.log.requests !== "off";

  const listedCors = createListedCors(settings.security);

  const complete = ({ id, request, exchange }: Traced, { headers }: Answer): void => {
    headers.push("X-Request-Id", id);
    if (exchange?.cacheStatus !== undefined) headers.push("Cache-Status", exchange.cacheStatus);
    if (exchange?.limitHeaders !== undefined) headers.push(...exchange.limitHeaders);
    if (exchange !== undefined && isOwn(exchange)) keepPrivate(headers);
    if (exchange?.setCookies !== undefined) putCookies(exchange.setCookies, headers);
    if (listedCors !== undefined) listedCors(originOf(request.head), headers);
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
      id: prefix + (count++).toString(36),
      startedMs: momentMs(),
      request,
      exchange: undefined,
    }),
    finish: (traced, answer) => {
      complete(traced, answer);
      if (logsAll || (logsErrors && answer.status >= 500)) line(traced, answer.status);
      return answer;
    },
    refuse: (traced, answer, error) => {
      complete(traced, answer);
      // PocketBase allows every origin unless told otherwise; without this a browser hides the reason.
      if (listedCors === undefined && originOf(traced.request.head) !== undefined)
        answer.headers.push("Access-Control-Allow-Origin", "*");
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

// A cookie is one browser's: no cache on the way may give it to others, as it might together with a file.
const putCookies = (cookies: readonly string[], headers: string[]): void => {
  const kept = withoutHeaders(headers, ["cache-control", "expires"]);
  headers.length = 0;
  headers.push(...kept, "Cache-Control", "no-store");
  for (const cookie of cookies) headers.push("Set-Cookie", cookie);
};

// What a token writes is nothing that a cache might keep (RFC 9110 section 9.3.3).
const isOwn = ({ cookieToken, credential, method }: Exchange): boolean =>
  cookieToken !== undefined || (credential !== undefined && !isUnsafe(method));

// A second value makes it none that could be listed.
const originOf = ({ names, values }: RequestHead): string | undefined => {
  const found = values.filter((_, i) => names[i]?.lower === "origin");
  return found.length > 1 ? found.join() : found[0];
};

const stackOf = (error: unknown): string | undefined => (error instanceof Error ? error.stack : undefined);
