// A steady load of one kind of request, with every outcome counted and every duration kept.
import { startOwnClock } from "../support/ownTime.ts";
import { exchange, type WireRequest } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";

/** How one request ended: `200`, `502 upstream_unreachable`, or `error ...` when no valid answer came. */
export interface Outcome {
  readonly verdict: string;
  /** Of the time that this process had. */
  readonly ms: number;
  readonly text: string;
  readonly endedMs: number;
}

/** A running load. */
export interface Load {
  readonly outcomes: readonly Outcome[];
  /** Lets the requests under way end. */
  stop(): Promise<void>;
}

/** Keeps `clients` requests going at `url`. */
export const startLoad = (url: string, clients: number, request: WireRequest): Load => {
  const outcomes: Outcome[] = [];
  const clock = startOwnClock();
  let isStopped = false;
  const run = async (): Promise<void> => {
    while (!isStopped) {
      const startedMs = clock.ms();
      let verdict: string;
      let text = "";
      try {
        const answer = await exchange(url, request);
        const code = headOf(answer, "x-hapta-error");
        verdict = code === undefined ? String(answer.status) : `${answer.status} ${code}`;
        ({ text } = answer);
      } catch (error) {
        verdict = `error ${error}`;
      }
      outcomes.push({ verdict, text, endedMs: performance.now(), ms: clock.ms() - startedMs });
      // An upstream that is down answers at once; the load need not become a flood.
      if (verdict !== "200") await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const running = Array.from({ length: clients }, run);
  return {
    outcomes,
    stop: async () => {
      isStopped = true;
      await Promise.all(running);
      clock[Symbol.dispose]();
    },
  };
};

/** Each verdict once, sorted. */
export const verdictsOf = (outcomes: readonly Outcome[]): string[] =>
  [...new Set(outcomes.map(({ verdict }) => verdict))].sort();
