// What Hapta learns from PocketBase without asking for it on a visitor's behalf: which collections there are,
// what they are like, and which records of theirs change. The last part that holds the superuser client; what it hands out does not.
import type { Log } from "../insight/log.ts";
import { type BatchItemsMax, createBatchItemsMax } from "./batchItemsMax.ts";
import type { Collection } from "./collection.ts";
import { type CurrentRecords, createCurrentRecords } from "./currentRecords.ts";
import { createFeed } from "./feed.ts";
import type { Feed } from "./feedOptions.ts";
import { createFileKey, type FileKey } from "./fileKey.ts";
import { createLiveSchema, type LiveSchema } from "./liveSchema.ts";
import type { SuperuserClient } from "./superuser.ts";

export interface Following {
  readonly collections: LiveSchema;
  /** Changes of the records of every collection. */
  readonly changes: Feed;
  /** For files whose URL Hapta has signed. */
  readonly fileKey: FileKey;
  readonly batchItemsMax: BatchItemsMax;
  /** For deciding who may hear of their changes. */
  readonly currentRecords: CurrentRecords;
  close(): void;
}

/** Starts both and returns at once; PocketBase may come later. */
export const followUpstream = (client: SuperuserClient, log: Log): Following => {
  const collections = createLiveSchema({ client, log });
  const changes = createFeed({
    client,
    log,
    // Accounts first: a feed follows only so many, and logins must end whatever else there is.
    collections: () => {
      const followed = collections.all().filter(({ type }) => type !== "view");
      const [accounts, others] = [followed.filter(isAuth), followed.filter((one) => !isAuth(one))];
      return [...accounts, ...others].map(({ id }) => id);
    },
  });
  collections.onChange(() => void changes.resubscribe());
  // Whatever cut the feed may have been a restore, a migration or another PocketBase.
  changes.onGap(() => void collections.refresh());
  return {
    collections,
    changes,
    fileKey: createFileKey(client),
    batchItemsMax: createBatchItemsMax(client),
    currentRecords: createCurrentRecords(client),
    close: () => {
      changes.close();
      collections.close();
    },
  };
};

const isAuth = ({ type }: Collection): boolean => type === "auth";
