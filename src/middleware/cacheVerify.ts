// Compares some of the kept answers that were given with what PocketBase says to the same caller. Changes no answer: a
// difference that stays is counted, logged, and ends the entry.
import type { Entry } from "../cache/entry.ts";
import type { Exchange, Stage } from "../exchange.ts";
import { isStreamed } from "../http/answer.ts";
import { gatherAnswer } from "../http/gatherAnswer.ts";
import type { Services } from "../services.ts";

/** Comparisons at a time; more hits than that are not looked at. */
const RUNNING_MAX = 4;
/** A change may be on its way here: a difference counts when it is still there after this. */
const AGAIN_MS = 500;
const TIMEOUT_MS = 10_000;

/** @param toRequest - Makes the request of the caller who was given the entry. */
type Verify = (entry: Entry, toRequest: () => Exchange) => void;

/** Undefined when nothing is to be compared. @param forward - The stage that asks PocketBase. */
export const createVerify = (
  { cache, cacheGate, settings, log }: Services,
  forward: Stage,
): Verify | undefined => {
  const { verifyRate } = settings.cache;
  if (verifyRate === 0) return undefined;
  let running = 0;

  const differs = async (entry: Entry, request: Exchange): Promise<boolean> => {
    const answer = await forward(request);
    if (answer === undefined) return false;
    const { status, body } = await gatherAnswer(answer, {
      bytesMax: cache.store.entryBytesMax,
      timeoutMs: TIMEOUT_MS,
    });
    if (isStreamed(body)) {
      body.cancel();
      return false;
    }
    // What moved meanwhile, or may have, proves nothing.
    if (!entry.lease.holds() || cacheGate.closedBecause() !== undefined || status >= 500) return false;
    return status !== entry.status || Buffer.compare(body ?? new Uint8Array(0), entry.body) !== 0;
  };

  const compare = async (entry: Entry, toRequest: () => Exchange): Promise<void> => {
    const isOdd = await differs(entry, toRequest());
    if (isOdd) await Bun.sleep(AGAIN_MS);
    const isWrong = isOdd && (await differs(entry, toRequest()));
    cache.counts.verified += 1;
    if (!isWrong) return;
    cache.counts.violations += 1;
    cache.changes.distrust(entry.lease.dependencies.map(({ name }) => name));
    cache.purge(({ key }) => key === entry.key);
    log("error", "A kept answer is not what PocketBase says; see docs/cache.md for what Hapta can't know.", {
      key: entry.key,
    });
  };

  return (entry, toRequest) => {
    if (running >= RUNNING_MAX || Math.random() >= verifyRate) return;
    running += 1;
    compare(entry, toRequest)
      // PocketBase is away or refuses: others notice that.
      .catch((error: unknown) =>
        log("debug", "A kept answer could not be compared.", { error: String(error) }),
      )
      .finally(() => {
        running -= 1;
      });
  };
};
