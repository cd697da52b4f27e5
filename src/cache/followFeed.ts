// Hands on to the cache what PocketBase's feed and schema tell. Decides nothing.
import type { Following } from "../pocketbase/following.ts";
import type { Changes } from "./changes.ts";
import { callersOf, recordsOf } from "./written.ts";

/** From now on what changes past Hapta, and what may have, counts for the cache. */
export const followFeed = (
  cached: Changes,
  { changes, collections }: Pick<Following, "changes" | "collections">,
): void => {
  // Copies, too: what is only taken for one must not leave an old answer standing.
  changes.onEvent((event) => cached.tell(event, collections.find(event.collectionId)));
  changes.onUntold((collectionId) =>
    cached.moveUntold([recordsOf(collectionId), callersOf(collectionId)], "a change too long to be told"),
  );
  changes.onGap((reason) => {
    const cause = `a gap in the change feed: ${reason}`;
    // Nothing is known to have changed while it lasts; what did is forgotten at its end.
    if (changes.state() === "closed") cached.lose(cause);
    else cached.gap(cause);
  });
  collections.onChange(() => cached.remake("a change of the schema"));
};
