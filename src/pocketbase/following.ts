// What Hapta learns from PocketBase without asking for it on a visitor's behalf: which collections there are,
// what they are like, and which records of theirs change. The last part that holds the superuser client; what it hands out does not.
import type { Log } from "../insight/log.ts";
import { createFeed, type Feed } from "./feed.ts";
import { createLiveSchema, type LiveSchema } from "./liveSchema.ts";
import type { SuperuserClient } from "./superuser.ts";

export interface Following {
  readonly collections: LiveSchema;
  /** Changes of the records that can log in. */
  readonly logins: Feed;
  close(): void;
}

/** Starts both and returns at once; PocketBase may come later. */
export const followUpstream = (client: SuperuserClient, log: Log): Following => {
  const collections = createLiveSchema({ client, log });
  const logins = createFeed({
    client,
    log,
    collections: () => collections.all().flatMap(({ id, type }) => (type === "auth" ? [id] : [])),
  });
  collections.onChange(() => void logins.resubscribe());
  // Whatever cut the feed may have been a restore, a migration or another PocketBase.
  logins.onGap(() => void collections.refresh());
  return {
    collections,
    logins,
    close: () => {
      logins.close();
      collections.close();
    },
  };
};
