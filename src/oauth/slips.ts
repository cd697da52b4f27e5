// Values that are kept for a while under a secret that only its holder knows, and given out once: logins under way,
// one-time codes, tickets. Knows nothing of what is in them.
import type { Database } from "bun:sqlite";
import type { Sealer } from "./database.ts";

/** No room for another login; the caller answers 503. */
export class OAuthBusy extends Error {
  override readonly name = "OAuthBusy";
}

/** How many rows may wait: in all, and of one owner (infinite when there are no caps per address). */
export interface RowLimits {
  readonly rowsMax: number;
  readonly rowsPerOwnerMax: number;
}

/** A value to keep. */
export interface Slip {
  readonly value: unknown;
  readonly ttlMs: number;
  /** Whose share it counts against, such as a client address. */
  readonly owner: string;
}

export interface SlipsOptions extends RowLimits {
  readonly sealer: Sealer;
  /** Unix time in ms. */
  readonly now: () => number;
}

/** What a slip is for; one kind never answers to the secret of another. */
export type SlipKind = "flow" | "code" | "ticket";

export class Slips {
  readonly #options: SlipsOptions;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(db: Database, options: SlipsOptions) {
    this.#options = options;
    this.#statements = prepare(db);
  }

  /** Keeps a value under a secret. @throws OAuthBusy */
  put(kind: SlipKind, secret: string, { value, ttlMs, owner }: Slip): void {
    const { now, rowsMax, rowsPerOwnerMax, sealer } = this.#options;
    const nowMs = now();
    const { owned = 0 } = this.#statements.countOwned.get(owner, nowMs) ?? {};
    if (owned >= rowsPerOwnerMax) throw new OAuthBusy();
    if ((this.#statements.count.get()?.rows ?? 0) >= rowsMax && this.sweep() === 0) throw new OAuthBusy();
    const name = `${kind}:${secret}`;
    this.#statements.insert.run(sealer.idOf(name), owner, nowMs + ttlMs, sealer.seal(name, value));
  }

  /** Looks at a value and leaves it there; undefined when it is gone, too old, or was never there. */
  read(kind: SlipKind, secret: string): unknown {
    const { now, sealer } = this.#options;
    const name = `${kind}:${secret}`;
    const row = this.#statements.read.get(sealer.idOf(name), now());
    return row === null ? undefined : sealer.open(name, row.sealed);
  }

  /** Takes a value away: of all who ask, in whichever process, one gets it. */
  take(kind: SlipKind, secret: string): unknown {
    const { now, sealer } = this.#options;
    const name = `${kind}:${secret}`;
    const row = this.#statements.take.get(sealer.idOf(name));
    return row === null || row.exp <= now() ? undefined : sealer.open(name, row.sealed);
  }

  /** Deletes what is too old. @returns how many. */
  sweep(): number {
    return this.#statements.sweep.run(this.#options.now()).changes;
  }
}

interface Row {
  readonly exp: number;
  readonly sealed: Uint8Array;
}

const prepare = (db: Database) => ({
  insert: db.prepare("INSERT INTO slips (id, owner, exp, sealed) VALUES (?, ?, ?, ?)"),
  read: db.prepare<Row, [string, number]>("SELECT exp, sealed FROM slips WHERE id = ? AND exp > ?"),
  take: db.prepare<Row, [string]>("DELETE FROM slips WHERE id = ? RETURNING exp, sealed"),
  sweep: db.prepare("DELETE FROM slips WHERE exp <= ?"),
  count: db.prepare<{ rows: number }, []>("SELECT COUNT(*) AS rows FROM slips"),
  countOwned: db.prepare<{ owned: number }, [string, number]>(
    "SELECT COUNT(*) AS owned FROM slips WHERE owner = ? AND exp > ?",
  ),
});
