// Which writes are under way for which session, so that ending a session also ends what it has begun. Knows neither
// bodies nor connections.
import type { Ended } from "./sessionContext.ts";

/** The part of a session a write is bound by. */
export interface WriteOwner {
  readonly id: string;
  readonly cid: string;
  readonly uid: string;
}

/** One entry per write under way; whoever lets writes in bounds their number. */
export class WritesInFlight {
  readonly #bySession = new Map<string, { readonly owner: WriteOwner; readonly cuts: Set<() => void> }>();

  /** Sessions with writes under way. */
  get size(): number {
    return this.#bySession.size;
  }

  /** Notes a write; `cut` is called when its session ends before `done`, which is returned. */
  begin(owner: WriteOwner, cut: () => void): () => void {
    const known = this.#bySession.get(owner.id) ?? { owner, cuts: new Set() };
    this.#bySession.set(owner.id, known);
    known.cuts.add(cut);
    return () => {
      known.cuts.delete(cut);
      if (known.cuts.size === 0 && this.#bySession.get(owner.id) === known) this.#bySession.delete(owner.id);
    };
  }

  /** Cuts the writes of sessions that have ended. @returns how many. */
  end({ ids, cid, uid }: Pick<Ended, "ids" | "cid" | "uid">): number {
    const meant =
      ids.length > 0
        ? ids.flatMap((id) => this.#bySession.get(id) ?? [])
        : [...this.#bySession.values()].filter(
            ({ owner }) =>
              (cid === undefined || owner.cid === cid) &&
              (uid === undefined || uid === "" || owner.uid === uid),
          );
    const cuts = meant.flatMap((one) => [...one.cuts]);
    for (const cut of cuts) cut();
    return cuts.length;
  }
}
