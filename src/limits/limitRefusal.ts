// What somebody is told who is over a limit: the message, when to come back, and why, in the form they asked for.
import { type ErrorCode, EXPOSED_HEADERS, Refusal } from "../errors.ts";
import { headerValue } from "../utils/headers.ts";

/** Problem types of draft-ietf-httpapi-ratelimit-headers-10, section 6. */
const PROBLEM_TYPES = "https://iana.org/assignments/http-problem-types#";
const PROBLEM_JSON = "application/problem+json";
/** Longest part of a wait that is added at random, in seconds. */
const JITTER_MAX = 30;

/** Why, and for how long. */
export interface OverLimit {
  readonly code: ErrorCode;
  readonly waitMs: number;
  /** Name of the rule, or of the cap. */
  readonly policy: string;
  /** `ratelimit.Message`. */
  readonly message: string;
  /** `RateLimit-Policy` and `RateLimit`, where a rule refused. */
  readonly headers?: readonly string[] | undefined;
}

/** @param headers - The request's, as a flat list: they say whether a page asks, and for problem details. */
export const limitRefusal = (headers: readonly string[], over: OverLimit): Refusal => {
  const isFromPage = headerValue(headers, "origin") !== undefined;
  const wantsProblem = headerValue(headers, "accept")?.includes(PROBLEM_JSON) === true;
  return new Refusal(over.code, {
    message: over.message,
    retryAfterSeconds: retryAfter(over.waitMs, Math.random()),
    headers: [
      ...(over.headers ?? []),
      ...(isFromPage ? ["Access-Control-Expose-Headers", EXPOSED_HEADERS] : []),
    ],
    ...(wantsProblem ? { problem: problemOf(over) } : {}),
  });
};

/**
 * Whole seconds, never too early, and up to a tenth and a second later, so that those who were refused together do not
 * return together. @param random - From 0 to below 1.
 */
export const retryAfter = (waitMs: number, random: number): number => {
  const seconds = Math.max(1, Math.ceil(waitMs / 1000));
  return seconds + Math.floor(random * Math.min(JITTER_MAX, 2 + seconds / 10));
};

const problemOf = ({ code, policy }: OverLimit) =>
  code === "login_delayed"
    ? {
        type: `${PROBLEM_TYPES}abnormal-usage-detected`,
        title: "Request not satisfied because of abnormal usage",
        members: {},
      }
    : {
        type: `${PROBLEM_TYPES}quota-exceeded`,
        title: "Request not satisfied because a quota is exceeded",
        members: { "violated-policies": [policy] },
      };
