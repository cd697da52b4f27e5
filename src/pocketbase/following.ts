// What Hapta learns from PocketBase without asking for it on a visitor's behalf: which collections there are,
// and which records of theirs change. The last part that holds the superuser client; what it hands out does not.
import type { Log } from "../insight/log.ts";
import { type CollectionNames, createCollectionNames } from "./collectionNames.ts";
import { createFeed, type Feed } from "./feed.ts";
import type { SuperuserClient } from "./superuser.ts";

export interface Following {
  readonly collections: CollectionNames;
  /** Changes of the records that can log in. */
  readonly logins: Feed;
  close(): void;
}

/** Starts both and returns at once; PocketBase may come later. */
export const followUpstream = (client: SuperuserClient, log: Log): Following => {
  const collections = createCollectionNames({ client, log });
  const logins = createFeed({
    client,
    log,
    collections: () => collections.all().flatMap(({ id, type }) => (type === "auth" ? [id] : [])),
  });
  collections.onChange(() => void logins.resubscribe());
  return {
    collections,
    logins,
    close: () => {
      logins.close();
      collections.close();
    },
  };
};
