// Collections that changed, and when: a session of theirs that PocketBase was last asked about before that is asked about
// before its next use. Kept in the store, so that neither a restart nor another process forgets them. Asks nobody.
import type { SessionContext } from "./sessionContext.ts";
import type { SessionRow } from "./sessionRow.ts";

/** One mark per collection that ever changed. */
export class DueMarks {
  readonly #context: SessionContext;
  #marks: ReadonlyMap<string, number> = new Map();
  /** Those that are not on disk yet, or could not be written there: they hold in this process all the same. */
  readonly #unstored = new Map<string, number>();

  constructor(context: SessionContext) {
    this.#context = context;
    this.reload();
  }

  /** Whether the session's last check is older than a change of its collection. */
  isDue({ cid, upCheckedMs }: Pick<SessionRow, "cid" | "upCheckedMs">): boolean {
    return this.#marks.size > 0 && upCheckedMs < (this.#marks.get(cid) ?? 0);
  }

  /** When the collection last changed, in steady Unix ms; undefined when it never did. */
  at(cid: string): number | undefined {
    return this.#marks.get(cid);
  }

  /** Marks a collection that has just changed, at once; on disk when it resolves. @throws StoreUnavailable */
  async mark(cid: string): Promise<void> {
    // A check of this very millisecond may have been answered before the change.
    const atMs = this.#context.times.steady() + 1;
    this.#unstored.set(cid, atMs);
    this.#marks = new Map(this.#marks).set(cid, atMs);
    await this.#context.store.write((tx) => {
      tx.sessions.markDue(cid, atMs);
      tx.append({ type: "logins_due", cid });
    });
    if (this.#unstored.get(cid) === atMs) this.#unstored.delete(cid);
    this.reload();
  }

  /** Reads the stored marks. @throws StoreUnavailable */
  reload(): void {
    const nowMs = this.#context.times.steady() + 1;
    const stored = this.#context.store.read((sessions) => sessions.dueMarks());
    // After the clock was set back no session is due for ever.
    const marks = [...stored.map(({ cid, atMs }) => [cid, atMs] as const), ...this.#unstored];
    this.#marks = new Map(marks.map(([cid, atMs]) => [cid, Math.min(atMs, nowMs)]));
  }
}
