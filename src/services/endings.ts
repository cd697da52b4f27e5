// What goes elsewhere when logins end, and which changes of records may have ended some. Keeps nothing itself.
import type { Cache } from "../cache/cache.ts";
import { callerOf, callersOf, EVERYTHING } from "../cache/written.ts";
import type { Following } from "../pocketbase/following.ts";
import type { Hub } from "../realtime/hub.ts";
import type { StreamOwner } from "../realtime/subject.ts";
import type { Ended } from "../sessions/sessionContext.ts";
import type { Sessions } from "../sessions/sessions.ts";
import type { ServicesOptions } from "./servicesOptions.ts";

/** Forgets what the callers of ended sessions were answered: whoever logs in next under the same name may be seen differently. */
export const forgetCallers = ({ versions }: Cache, { cid, uid }: Ended): void => {
  if (cid === undefined) versions.move([EVERYTHING], "the end of sessions");
  else
    versions.move(
      [uid === undefined || uid === "" ? callersOf(cid) : callerOf(cid, uid)],
      "the end of a session",
    );
};

/**
 * Follows changes of records that can log in, made by whomever, for as long as the feed lasts. Each may have ended logins:
 * they are asked about, and what its sessions were answered meanwhile goes afterwards, because PocketBase may have taken
 * them for guests.
 */
export const endWithLogins = (
  { following, log }: ServicesOptions,
  { sessions, cache, hub }: { readonly sessions: Sessions; readonly cache: Cache; readonly hub: Hub },
): void => {
  const { versions } = cache;
  const warn = (error: unknown): void =>
    log("warn", "sessions of changed records could not be checked", { error: String(error) });
  const askAboutListeners = createAskAboutListeners(sessions, hub);
  doubtAfterGaps(following, (cid) => {
    sessions
      .doubtCollection(cid)
      .catch(warn)
      .finally(() => versions.move([callersOf(cid)], "a check of its sessions"))
      .then(() => askAboutListeners(cid))
      .catch(warn);
  });
  following.changes.onEvent(({ action, collectionId, recordId }) => {
    if (action === "create" || following.collections.find(collectionId)?.type !== "auth") return;
    const caller = [callerOf(collectionId, recordId)];
    const subject = { cid: collectionId, uid: recordId };
    const ending: Promise<unknown> =
      action === "delete"
        ? sessions.revoke({ kind: "record", ...subject }, { reason: "record_deleted" })
        : sessions.checkRecord(subject);
    ending.catch(warn).finally(() => versions.move(caller, "a check of its sessions"));
  });
};

/** Between two questions about a session, in ms, and how many at most: a request that it makes later asks, too. */
const [ASK_AGAIN_MS, QUESTIONS_MAX] = [2_000, 60];

/**
 * Asks about the sessions of a collection that clients listen with: no request of theirs would. Again while PocketBase does not
 * say, to which thousands may be coming back just now; what was asked before of the same collection is given up.
 */
const createAskAboutListeners = (sessions: Sessions, hub: Hub): ((cid: string) => Promise<void>) => {
  const turns = new Map<string, number>();
  const isSettled = async (session: StreamOwner): Promise<boolean> =>
    (await sessions.confirm(session)) || !sessions.isLive(session);
  return async (cid) => {
    const turn = (turns.get(cid) ?? 0) + 1;
    turns.set(cid, turn);
    let open = hub.sessionsOf(cid);
    for (let left = QUESTIONS_MAX; open.length > 0 && left > 0 && turns.get(cid) === turn; left--) {
      const settled = await Promise.all(open.map(isSettled));
      open = open.filter((_, n) => settled[n] === false);
      if (open.length > 0) await Bun.sleep(ASK_AGAIN_MS);
    }
  };
};

// Nobody told which records changed while the feed was away, before the start, or in a way too long to be told; and what is
// kept for a caller is given to whoever has a session of theirs.
const doubtAfterGaps = ({ changes, collections }: Following, doubt: (cid: string) => void): void => {
  const doubted = new Set<string>();
  const doubtOthers = (): void => {
    for (const { id, type } of collections.all()) {
      if (type !== "auth" || doubted.has(id)) continue;
      doubted.add(id);
      doubt(id);
    }
  };
  doubtOthers();
  collections.onChange(doubtOthers);
  changes.onUntold((id) => {
    if (collections.find(id)?.type === "auth") doubt(id);
  });
  changes.onGap(() => {
    if (changes.state() === "closed") return;
    doubted.clear();
    doubtOthers();
  });
};
