// Sees to it that nothing older is answered once a write is acknowledged. Sends nothing else than the write and judges
// nobody: PocketBase decides whether it happens.
import { wholeBody } from "../bodies/wholeBody.ts";
import type { WriteUnderway } from "../cache/underway.ts";
import { collectionIn, EVERYTHING, recordsOf } from "../cache/written.ts";
import type { Exchange, Stage } from "../exchange.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import type { Services } from "../services.ts";
import { createHearWrite } from "./hearWrite.ts";
import { outcomeOf } from "./writeOutcome.ts";
import { writtenBy } from "./writtenBy.ts";

/**
 * Makes the function that notes a write in `exchange.whenDone`, and sends it where its answer is to be looked into.
 *
 * @param forward - The stage that asks PocketBase.
 */
export const createNoteWrite = (services: Services, forward: Stage): Stage => {
  const { cache, collections } = services;
  const hearWrite = createHearWrite(services, forward);
  return (exchange) => {
    const names = writtenBy(exchange, collections);
    if (names.length === 0) return undefined;
    const isAnything = names[0] === EVERYTHING;
    const cause = `${exchange.method} ${exchange.path.slice(0, 100)}`;
    const write = cache.underway.begin(names, isAnything ? [] : awaitedOf(names), cause);
    const isWhole = watchBody(exchange, write);
    if (exchange.route.kind === "records" && !isAnything) {
      const heard = hearWrite(exchange, write);
      if (heard !== undefined) return heard;
    }
    const isSchema = isAnything && exchange.route.kind === "admin";
    exchange.whenDone = (status) => {
      const outcome = outcomeOf(status);
      if (isSchema && outcome === "done") return whenRead(collections, write);
      // Nobody was told that anything happened, and if it did, the feed tells. A stranger must not be able to empty the
      // cache by sending what he never finishes.
      const isUnheard = status === undefined && (exchange.presence.isGone || !isWhole());
      write.end(isAnything && isUnheard ? "refused" : outcome);
    };
    return undefined;
  };
};

const awaitedOf = (names: readonly string[]): readonly string[] => [
  ...new Set(names.map(collectionIn).flatMap((id) => (id === undefined ? [] : [recordsOf(id)]))),
];

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

// Rules may have changed: what was kept by the old ones goes when the new ones are known.
const whenRead = (collections: LiveSchema, write: WriteUnderway): void => {
  void collections.refresh().then(() => write.end("done"));
};
