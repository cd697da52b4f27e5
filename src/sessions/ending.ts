// Ending sessions: one, all of a record, of a collection, or everybody's. What is acknowledged is on disk.

import { SUPERUSERS_ID } from "../pocketbase/routes.ts";
import type { EventType, SessionEvent } from "./eventRow.ts";
import type { Made } from "./impersonations.ts";
import type { LiveSessions } from "./liveSessions.ts";
import type { Ended, SessionContext } from "./sessionContext.ts";
import { KEY_REVOKED } from "./sessionPages.ts";
import type { SubjectKey } from "./sessionTable.ts";
import type { StoreTx } from "./storeWriter.ts";

/**
 * Which sessions to end. `login`: one whose upstream token PocketBase does not take any more; with a superuser's goes what
 * that superuser has made in others' names. `made`: only that. `others`: all of the record but one.
 */
export type Selection =
  | { readonly kind: "session" | "login"; readonly id: string }
  | { readonly kind: "made"; readonly uid: string }
  | { readonly kind: "record"; readonly cid: string; readonly uid: string }
  | { readonly kind: "others"; readonly cid: string; readonly uid: string; readonly keepId: string }
  | { readonly kind: "collection"; readonly cid: string }
  | { readonly kind: "everybody" };

/** Why and for whom, for the event log. */
export interface EndingNote {
  /** A short word: `logout`, `password_changed`, `token_replay`... */
  readonly reason: string;
  /** An event that goes before the ending, in the same transaction. */
  readonly cause?: EventType | undefined;
  /** The operator who asked for it: an `admin_action` goes before the ending, in the same transaction. */
  readonly actor?: string | undefined;
  readonly ip?: string | undefined;
  readonly request?: string | undefined;
}

/** Ends sessions and tells who must know. */
export class Ending {
  readonly #context: SessionContext;
  readonly #lives: LiveSessions;
  readonly #onEnded: (ended: Ended) => void;

  constructor(
    context: SessionContext,
    { lives, onEnded }: { readonly lives: LiveSessions; readonly onEnded: (ended: Ended) => void },
  ) {
    this.#context = context;
    this.#lives = lives;
    this.#onEnded = onEnded;
  }

  /**
   * Ends sessions. When it resolves that is on disk, their tokens are refused and their secrets are wiped.
   *
   * @returns how many were ended; -1 when a mark ended a collection's or everybody's (they are not counted).
   * @throws StoreUnavailable when nothing was ended.
   */
  async revoke(selection: Selection, note: EndingNote): Promise<number> {
    switch (selection.kind) {
      case "session":
      case "login":
        return this.#revokeOne(selection, note);
      case "made":
        return this.#revokeMadeBy(selection.uid, note);
      case "record":
        return this.#revokeRecord(selection, note);
      case "others":
        return this.#revokeRecord(selection, note, selection.keepId);
      case "collection":
        return this.#revokeMarked({ cid: selection.cid, uid: "" }, note);
      case "everybody":
        return this.#revokeMarked({ cid: "", uid: "" }, note);
      default:
        return selection satisfies never;
    }
  }

  /** Tells listeners; what they throw never undoes an ending. */
  announce(ended: Ended): void {
    try {
      this.#onEnded(ended);
    } catch (error) {
      this.#context.warn(
        `A listener of ended sessions failed: ${error instanceof Error ? error.name : "error"}`,
      );
    }
  }

  /**
   * Ends the sessions whose current token a key has signed, for a key that was revoked: nobody can use them any more. In
   * pieces, however many they are.
   */
  async revokeSignedBy(kid: string): Promise<number> {
    const { store, times } = this.#context;
    const reason = KEY_REVOKED;
    let count = 0;
    for (let row: number | undefined = 0; row !== undefined; ) {
      const afterRow: number = row;
      const { ids, nextRow } = store.readPages((pages) => pages.signedBy(kid, afterRow));
      for (let at = 0; at < ids.length; at += ENDED_AT_ONCE) {
        const some = ids.slice(at, at + ENDED_AT_ONCE);
        const atMs = times.wall();
        await store.write((tx) => {
          for (const id of some) tx.sessions.revoke(id, { atMs, reason });
        });
        this.#lives.drop(some);
        this.announce({ ids: some, cid: undefined, uid: undefined, reason });
      }
      count += ids.length;
      row = nextRow;
      await new Promise((resolve) => setImmediate(resolve));
    }
    return count;
  }

  async #revokeOne(
    { kind, id }: Extract<Selection, { readonly id: string }>,
    note: EndingNote,
  ): Promise<number> {
    const { reason, cause, ip, request } = note;
    const atMs = this.#context.times.wall();
    const ended = await this.#context.store.write((tx) => {
      const row = tx.sessions.read(id)?.row;
      if (row === undefined || !tx.sessions.revoke(id, { atMs, reason })) return undefined;
      const { cid, uid, label } = row;
      appendAction(tx, note, { session: id, cid, uid });
      if (cause !== undefined)
        tx.append({ type: cause, session: id, cid, uid, ip, label, request, detail: reason });
      tx.append({ type: "session_revoked", session: id, cid, uid, ip, label, request, detail: reason });
      // A token that has run out says nothing about the password.
      const isLost = kind === "login" && cid === SUPERUSERS_ID && atMs < row.upExpMs;
      return { cid, uid, made: isLost ? revokeMade(tx, uid, { ...note, atMs }) : [] };
    });
    this.#lives.drop([id]);
    if (ended === undefined) return 0;
    const { cid, uid, made } = ended;
    this.announce({ ids: [id], cid, uid, reason });
    this.#dropMade(made, reason);
    return 1 + made.length;
  }

  async #revokeMadeBy(uid: string, note: EndingNote): Promise<number> {
    const atMs = this.#context.times.wall();
    const made = await this.#context.store.write((tx) => revokeMade(tx, uid, { ...note, atMs }));
    this.#dropMade(made, note.reason);
    return made.length;
  }

  #dropMade(made: readonly Made[], reason: string): void {
    this.#lives.drop(made.map(({ id }) => id));
    for (const { id, cid, uid } of made) this.announce({ ids: [id], cid, uid, reason });
  }

  async #revokeRecord(subject: SubjectKey, note: EndingNote, keepId?: string): Promise<number> {
    const { cid, uid } = subject;
    const { reason, ip, request } = note;
    const atMs = this.#context.times.wall();
    const { mine, made } = await this.#context.store.write((tx) => {
      appendAction(tx, note, { cid, uid });
      const mine = tx.sessions.list({ cid, uid }).filter(({ id }) => id !== keepId);
      for (const { id: session, label } of mine) {
        tx.sessions.revoke(session, { atMs, reason });
        tx.append({ type: "session_revoked", session, cid, uid, ip, label, request, detail: reason });
      }
      // Record ids are unique over all logins.
      const made = keepId === undefined ? revokeMade(tx, uid, { ...note, atMs }) : [];
      // Stops what is being opened right now with a login from before, too.
      if (keepId === undefined) tx.sessions.markSubject({ cid, uid }, atMs);
      return { mine: mine.map(({ id }) => id), made };
    });
    this.#lives.drop(mine);
    if (mine.length > 0) this.announce({ ids: mine, cid, uid, reason });
    this.#dropMade(made, reason);
    return mine.length + made.length;
  }

  async #revokeMarked(subject: SubjectKey, note: EndingNote): Promise<number> {
    const { reason, ip, request } = note;
    const cid = subject.cid === "" ? undefined : subject.cid;
    const atMs = this.#context.times.wall();
    await this.#context.store.write((tx) => {
      appendAction(tx, note, { cid });
      tx.sessions.markSubject(subject, atMs);
      tx.append({ type: "sessions_revoked", cid, ip, request, detail: reason });
    });
    this.#lives.dropWhere((row) => cid === undefined || row.cid === cid);
    this.announce({ ids: [], cid, uid: undefined, reason });
    if (cid === SUPERUSERS_ID) await this.#revokeAllMade(note);
    return -1;
  }

  // With all superusers goes all that any of them has made in others' names; in pieces.
  async #revokeAllMade({ reason, ip, request }: EndingNote): Promise<void> {
    for (let count = ENDED_AT_ONCE; count === ENDED_AT_ONCE; ) {
      const atMs = this.#context.times.wall();
      const made = await this.#context.store.write((tx) => {
        const some = tx.impersonations.some(ENDED_AT_ONCE);
        for (const { id, cid, uid, label } of some) {
          tx.sessions.revoke(id, { atMs, reason });
          tx.append({ type: "session_revoked", session: id, cid, uid, ip, label, request, detail: reason });
        }
        return some;
      });
      this.#dropMade(made, reason);
      count = made.length;
    }
  }
}

const ENDED_AT_ONCE = 500;

/** What a superuser has made in others' names, ended. */
const revokeMade = (
  tx: StoreTx,
  maker: string,
  { atMs, reason, ip, request }: EndingNote & { readonly atMs: number },
): Made[] => {
  const made = tx.impersonations.madeBy(maker);
  for (const { id: session, cid, uid, label } of made) {
    tx.sessions.revoke(session, { atMs, reason });
    tx.append({ type: "session_revoked", session, cid, uid, ip, label, request, detail: reason });
  }
  return made;
};

const appendAction = (
  tx: StoreTx,
  { actor, reason, ip, request }: EndingNote,
  target: Pick<SessionEvent, "session" | "cid" | "uid">,
): void => {
  if (actor === undefined) return;
  tx.append({ type: "admin_action", ...target, ip, request, detail: `${reason} by ${actor}` });
};
