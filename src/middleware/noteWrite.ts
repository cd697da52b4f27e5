// Sees to it that nothing older is answered once a write is acknowledged. Sends nothing else than the write and judges
// nobody: PocketBase decides whether it happens.
import { batchItemsOf } from "../batch/batchItems.ts";
import { wholeBody } from "../bodies/wholeBody.ts";
import { type HeardWrite, hearWrite } from "../cache/hearWrite.ts";
import { outcomeOf, type WriteUnderway } from "../cache/underway.ts";
import { awaitedOf, EVERYTHING } from "../cache/written.ts";
import { writtenBy } from "../cache/writtenBy.ts";
import type { Exchange, Stage } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { gatherAnswer } from "../http/gatherAnswer.ts";
import type { Services } from "../services.ts";
import { createFindRoute } from "../utils/routeKeys.ts";

/** How much of the answer to a write of one record is held, and for how long. */
const HELD = { bytesMax: 1_048_576, timeoutMs: 30_000 };

/**
 * Makes the function that notes a write in `exchange.whenDone`, and sends it where its answer is to be looked into.
 *
 * @param forward - The stage that asks PocketBase.
 */
export const createNoteWrite = ({ cache, collections, settings }: Services, forward: Stage): Stage => {
  const { hearings } = cache.changes;
  const find = createFindRoute(settings.cache.writes);

  const sendHeard = async (
    exchange: Exchange,
    write: WriteUnderway,
    heard: HeardWrite,
  ): Promise<Answer | undefined> => {
    let left: readonly string[] | undefined;
    exchange.whenDone = (status) => {
      heard.end();
      write.end(outcomeOf(status), left);
    };
    const answer = await forward(exchange);
    if (answer === undefined || answer.status >= 300) return answer;
    const whole = await gatherAnswer(answer, HELD);
    left = await heard.leftAfter(whole);
    return whole;
  };

  // Its answer shows other records, too, on which other writes may be under way. It counts before it waits for those:
  // two that waited for each other would wait in vain.
  const sendExpanded = async (exchange: Exchange, sent: ReturnType<Stage>): Promise<Answer | undefined> => {
    const answer = await (sent ?? forward(exchange));
    if (answer === undefined) return answer;
    exchange.whenDone?.(answer.status);
    await cache.underway.settled();
    return answer;
  };

  const note = (exchange: Exchange, write: WriteUnderway, isAnything: boolean): undefined => {
    const isWhole = watchBody(exchange, write);
    exchange.whenDone = (status) => {
      const outcome = outcomeOf(status);
      // Rules may have changed, too: if so, what is kept meanwhile by the old ones goes when the new ones are read.
      if (exchange.route.kind === "admin" && outcome === "done") void collections.refresh();
      // Nobody was told that anything happened, and if it did, the feed tells. A stranger must not be able to empty the
      // cache by sending what he never finishes.
      const isUnheard = status === undefined && (exchange.presence.isGone || !isWhole());
      write.end(isAnything && isUnheard ? "refused" : outcome);
    };
  };

  const namesOf = ({ method, path, route }: Exchange, items: Items): readonly string[] => {
    const said = route.kind === "custom" ? find(method, path)?.value : undefined;
    return writtenBy({ method, path, route, items, said }, collections);
  };

  return (exchange) => {
    const { batchPayload, method, path, route } = exchange;
    const items = batchPayload === undefined ? undefined : batchItemsOf(batchPayload);
    const names = namesOf(exchange, items);
    if (names.length === 0) return undefined;
    const isAnything = names[0] === EVERYTHING;
    const cause = `${method} ${path.slice(0, 100)}`;
    const write = cache.underway.begin(names, isAnything ? [] : awaitedOf(names), cause);
    note(exchange, write, isAnything);
    const isOne = route.kind === "records" && !isAnything;
    const heard = isOne ? hearWrite({ method, path }, { hearings, collections }) : undefined;
    const sent = heard === undefined ? undefined : sendHeard(exchange, write, heard);
    return isAnything || !isExpanded(exchange, items) ? sent : sendExpanded(exchange, sent);
  };
};

/** In a query; for whoever writes it otherwise nothing is waited for. */
const EXPANDED = /\bexpand=/;

/** The requests in a batch; undefined where there is none. */
type Items = ReturnType<typeof batchItemsOf> | undefined;

const isExpanded = ({ query, route }: Exchange, items: Items): boolean => {
  if (items !== undefined) return items.some(({ url }) => EXPANDED.test(url));
  return route.kind === "records" && EXPANDED.test(query);
};

/** Says when the last byte of the body has gone out. @returns whether it has. */
const watchBody = (exchange: Exchange, write: WriteUnderway): (() => boolean) => {
  const { body } = exchange;
  let isWhole = body.kind !== "stream";
  if (body.kind !== "stream") write.whole();
  else
    exchange.body = {
      ...body,
      source: wholeBody(body.source, () => {
        isWhole = true;
        write.whole();
      }),
    };
  return () => isWhole;
};
