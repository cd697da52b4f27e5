// What the stage `cache` gives while it is closed: PocketBase's answer, or, where the settings ask for that and PocketBase
// fails, the last one that nothing is known to have changed, marked as what it is (RFC 5861 section 4).
import { keptAnswer } from "../cache/entry.ts";
import { UNHEARD } from "../cache/versions.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { Services } from "../services.ts";

/** RFC 7234 section 5.5: stale, and there was no way to ask. */
const WARNINGS = ["Warning", '110 - "Response is Stale"', "Warning", '111 - "Revalidation Failed"'];
const FAILURES: ReadonlySet<string> = new Set([
  "upstream_unreachable",
  "upstream_timeout",
  "upstream_invalid",
  "overloaded",
]);

/** A read while the cache is closed. */
type ReadClosed = (exchange: Exchange, key: string) => Promise<Answer | undefined>;

/** Undefined where the settings do not ask for it. */
export const createStaleIfError = (
  { cache, settings, collections }: Services,
  readThrough: (exchange: Exchange) => Promise<Answer>,
): ReadClosed | undefined => {
  const { staleIfErrorMs } = settings.cache;
  if (staleIfErrorMs === 0) return undefined;

  const staleOf = (exchange: Exchange, key: string): Answer | undefined => {
    const entry = cache.store.peek(key);
    if (entry === undefined || !entry.lease.holdsAsFarAsKnown()) return undefined;
    // Since the feed was lost, or, as long as it only seems to be, since the schema was confirmed.
    const lostMs = cache.versions.look(UNHEARD)?.movedMs ?? 0;
    const silentMs = entry.lease.holds() ? collections.ageMs() : Date.now() - lostMs;
    if (silentMs > staleIfErrorMs) return undefined;
    cache.counts.stale += 1;
    exchange.cacheStatus = "hapta; hit; detail=stale-if-error";
    exchange.isChecked = true;
    const answer = keptAnswer(entry, exchange, undefined);
    return { ...answer, headers: [...answer.headers, ...WARNINGS] };
  };

  const instead = (exchange: Exchange, key: string, answer: Answer): Answer => {
    const stale = staleOf(exchange, key);
    if (stale === undefined) return answer;
    if (isStreamed(answer.body)) answer.body.cancel();
    return stale;
  };

  return async (exchange, key) => {
    try {
      const answer = await readThrough(exchange);
      return answer.status >= 500 ? instead(exchange, key, answer) : answer;
    } catch (error) {
      const isFailure = error instanceof Refusal && FAILURES.has(error.code);
      const stale = isFailure ? staleOf(exchange, key) : undefined;
      if (stale === undefined) throw error;
      return stale;
    }
  };
};
