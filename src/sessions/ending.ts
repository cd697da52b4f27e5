// Ending sessions: one, all of a record, of a collection, or everybody's. What is acknowledged is on disk.

import type { EventType } from "./eventLog.ts";
import type { LiveSessions } from "./liveSessions.ts";
import type { Ended, SessionContext } from "./sessionContext.ts";
import type { SubjectKey } from "./sessionTable.ts";

/** Which sessions to end. `others`: all of the record but one. */
export type Selection =
  | { readonly kind: "session"; readonly id: string }
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
        return this.#revokeOne(selection.id, note);
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

  async #revokeOne(id: string, { reason, cause, ip, request }: EndingNote): Promise<number> {
    const atMs = this.#context.times.wall();
    const ended = await this.#context.store.write((tx) => {
      const row = tx.sessions.read(id)?.row;
      if (row === undefined || !tx.sessions.revoke(id, { atMs, reason })) return undefined;
      const { cid, uid, label } = row;
      if (cause !== undefined)
        tx.append({ type: cause, session: id, cid, uid, ip, label, request, detail: reason });
      tx.append({ type: "session_revoked", session: id, cid, uid, ip, label, request, detail: reason });
      return { cid, uid };
    });
    this.#lives.drop([id]);
    if (ended === undefined) return 0;
    this.announce({ ids: [id], ...ended, reason });
    return 1;
  }

  async #revokeRecord(subject: SubjectKey, note: EndingNote, keepId?: string): Promise<number> {
    const { cid, uid } = subject;
    const { reason, ip, request } = note;
    const atMs = this.#context.times.wall();
    const ids = await this.#context.store.write((tx) => {
      const mine = tx.sessions.list({ cid, uid }).filter(({ id }) => id !== keepId);
      for (const { id, label } of mine) {
        tx.sessions.revoke(id, { atMs, reason });
        tx.append({ type: "session_revoked", session: id, cid, uid, ip, label, request, detail: reason });
      }
      // Stops what is being opened right now with a login from before, too.
      if (keepId === undefined) tx.sessions.markSubject({ cid, uid }, atMs);
      return mine.map(({ id }) => id);
    });
    this.#lives.drop(ids);
    if (ids.length > 0) this.announce({ ids, cid, uid, reason });
    return ids.length;
  }

  async #revokeMarked(subject: SubjectKey, { reason, ip, request }: EndingNote): Promise<number> {
    const cid = subject.cid === "" ? undefined : subject.cid;
    const atMs = this.#context.times.wall();
    await this.#context.store.write((tx) => {
      tx.sessions.markSubject(subject, atMs);
      tx.append({ type: "sessions_revoked", cid, ip, request, detail: reason });
    });
    this.#lives.dropWhere((row) => cid === undefined || row.cid === cid);
    this.announce({ ids: [], cid, uid: undefined, reason });
    return -1;
  }
}
