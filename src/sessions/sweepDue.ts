// Asking about the sessions of a changed collection that nobody uses right now, so that their streams end, too. What is
// left over when it stops stays marked. Decides nothing about a session.
import type { DueMarks } from "./dueMarks.ts";
import type { SessionContext } from "./sessionContext.ts";
import { WALK_PAGE } from "./sessionTable.ts";
import { problemOf } from "./storeUnavailable.ts";

/** What a sweep works with. */
export interface DueSweep {
  readonly cid: string;
  readonly due: DueMarks;
  /** Asks about one session. */
  readonly check: (id: string) => Promise<boolean>;
}

const AT_ONCE = 8;
const MS_MAX = 300_000;
const PAUSE_MS_MAX = 1_000;

/**
 * Walks through a collection's sessions and asks about those that are due: eight at once and half of the time at most,
 * so that requests that wait for a check of their own go first; for five minutes, or until a newer mark has a sweep of
 * its own. Resolves to how many were asked about and never rejects.
 */
export const sweepDue = async (context: SessionContext, sweep: DueSweep): Promise<number> => {
  const { times, store, warn } = context;
  const { cid, due, check } = sweep;
  const markMs = due.at(cid);
  const endMs = times.monotonic() + MS_MAX;
  let asked = 0;
  try {
    for (let from = { uid: "", place: 0 }; ; ) {
      const page = store.read((sessions) => sessions.walk(cid, from));
      const ids = page
        .filter(({ checkedMs }) => due.isDue({ cid, upCheckedMs: checkedMs }))
        .map(({ id }) => id);
      for (let at = 0; at < ids.length; at += AT_ONCE) {
        const startedMs = times.monotonic();
        const some = ids.slice(at, at + AT_ONCE);
        await Promise.all(some.map(check));
        asked += some.length;
        if (times.monotonic() >= endMs || due.at(cid) !== markMs) return asked;
        await pause(Math.min(times.monotonic() - startedMs, PAUSE_MS_MAX));
      }
      const last = page.at(-1);
      if (last === undefined || page.length < WALK_PAGE) return asked;
      from = last;
      await pause(0);
    }
  } catch (error) {
    if (problemOf(error) !== "closed")
      warn(`The sessions of a changed collection were not all checked: ${error}`);
    return asked;
  }
};

const pause = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
