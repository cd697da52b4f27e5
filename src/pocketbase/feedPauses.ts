// How long the change feed waits between attempts. Waits for nothing itself.
import type { FeedTimes } from "./feedOptions.ts";
import { SuperuserError } from "./superuserError.ts";

/**
 * The pause after a failure, before it is spread.
 *
 * @param problem - What was thrown. @param failures - In a row, 1 or more.
 */
export function backOffMs(times: FeedTimes, problem: unknown, failures: number): number {
  const kind = problem instanceof SuperuserError ? problem.problem : "unreachable";
  const needsPerson = kind !== "unreachable" && kind !== "limited" && kind !== "oversized";
  if (needsPerson) return times.refusedMs;
  return Math.min(times.retryMsMax, times.retryMs * 2 ** Math.min(failures - 1, 20));
}
