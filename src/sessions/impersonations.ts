// Which superuser has made which session in somebody else's name. Ends nothing itself.
import type { Database, Statement } from "bun:sqlite";
import { LIVE_SQL } from "./sessionTable.ts";

/** The table; safe to run at every opening. */
export const IMPERSONATION_TABLE = `
CREATE TABLE IF NOT EXISTS impersonations (maker TEXT NOT NULL, session TEXT NOT NULL, PRIMARY KEY (maker, session))
  WITHOUT ROWID;
`;

/** Statements of the table on one connection. */
export class Impersonations {
  readonly #note: Statement<unknown, [string, string]>;
  readonly #live: Statement<{ id: string; cid: string; uid: string; label: string }, [string]>;
  readonly #forget: Statement<unknown, [string]>;

  /** The table must exist. */
  constructor(db: Database) {
    this.#note = db.prepare("INSERT OR IGNORE INTO impersonations (maker, session) VALUES (?, ?)");
    this.#live = db.prepare(`SELECT sessions.id, cid, uid, ua_label AS label FROM impersonations
      JOIN sessions ON sessions.id = impersonations.session WHERE maker = ? AND ${LIVE_SQL}`);
    this.#forget = db.prepare(`DELETE FROM impersonations
      WHERE maker = ? AND session NOT IN (SELECT id FROM sessions WHERE ${LIVE_SQL})`);
  }

  /** Frees the statements. */
  close(): void {
    for (const statement of [this.#note, this.#live, this.#forget]) statement.finalize();
  }

  /** `maker`: the record id of the superuser. What that superuser made and has ended is forgotten. */
  add(maker: string, session: string): void {
    this.#forget.run(maker);
    this.#note.run(maker, session);
  }

  /** The live sessions a superuser has made. */
  madeBy(
    maker: string,
  ): { readonly id: string; readonly cid: string; readonly uid: string; readonly label: string }[] {
    return this.#live.all(maker);
  }
}
