// How the stage `cache` asks PocketBase on a reader's behalf. What PocketBase shows may be the work of a write that does
// not count yet: it is given only when that cannot be followed by something older. Keeps nothing.
import { recordsOf } from "../cache/written.ts";
import type { Exchange, Stage } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Services } from "../services.ts";

/**
 * Asks PocketBase, and waits for the writes under way that may show in its answer. Rejects as `forward` does.
 * @param collectionIds - Of the collections the answer is made from; undefined where that is not known.
 */
type ReadThrough = (exchange: Exchange, collectionIds?: readonly string[]) => Promise<Answer>;

/** @param forward - The stage that asks PocketBase. */
export const createReadThrough =
  ({ cache: { underway } }: Pick<Services, "cache">, forward: Stage): ReadThrough =>
  async (exchange, collectionIds) => {
    const answer = await forward(exchange);
    if (answer === undefined) throw new Error("the stage forward did not answer");
    const settled = underway.size === 0 ? undefined : underway.settled(collectionIds?.map(recordsOf));
    if (settled !== undefined) await settled;
    return answer;
  };
