// Asks PocketBase twice a second whether it is there and still takes our token. Reads no events.
import { type Clock, pause } from "./clock.ts";
import type { FeedTimes } from "./feedOptions.ts";
import type { SuperuserCall, SuperuserClient } from "./superuser.ts";
import { SuperuserError } from "./superuserError.ts";

/** `refused`: it answers, but not as to a superuser. `silent`: no answer in time, or a gateway's 5xx. */
export type ProbeVerdict = "alive" | "refused" | "silent";

/** What to ask and whom to tell. */
export type FeedProbeOptions = {
  readonly client: SuperuserClient;
  readonly clock: Clock;
  readonly times: FeedTimes;
  readonly closing: AbortSignal;
  /** Nothing is asked while this is false. */
  readonly isWanted: () => boolean;
  /** @param askedMs - The clock's time at which the question was put. */
  readonly onVerdict: (verdict: ProbeVerdict, askedMs: number) => void;
};

/** A superuser's question that costs little and, when it succeeds, leaves no line in PocketBase's log. */
export const UNLOGGED_CALL: SuperuserCall = {
  method: "GET",
  path: `/api/logs?perPage=1&skipTotal=1&fields=id&filter=${encodeURIComponent("id='0'")}`,
};

/** Asks until `closing` fires. Never rejects. */
export async function runFeedProbe(options: FeedProbeOptions): Promise<void> {
  const { clock, closing, times } = options;
  while (!closing.aborted) {
    if (options.isWanted()) {
      const askedMs = clock.now();
      const verdict = await ask(options);
      if (!closing.aborted) options.onVerdict(verdict, askedMs);
    }
    await pause(clock, times.probeEveryMs, closing);
  }
}

async function ask({ client, times }: FeedProbeOptions): Promise<ProbeVerdict> {
  try {
    const call = { ...UNLOGGED_CALL, renew: false, deadlineMs: times.probeDeadlineMs };
    const { status } = await client.call(call);
    if (status >= 500) return "silent";
    return status === 401 || status === 403 ? "refused" : "alive";
  } catch (error) {
    // A login may have been due on the way, so any of its problems can come up here.
    if (!(error instanceof SuperuserError) || error.problem === "unreachable") return "silent";
    return error.problem === "limited" || error.problem === "oversized" ? "alive" : "refused";
  }
}
