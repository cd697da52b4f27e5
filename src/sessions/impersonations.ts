// Which superuser has made which session in somebody else's name. Ends nothing itself.
import type { Database, Statement } from "bun:sqlite";
import { SUPERUSERS_ID } from "../pocketbase/routes.ts";
import { LIVE_SQL } from "./sessionTable.ts";

/** The table; safe to run at every opening. */
export const IMPERSONATION_TABLE = `
CREATE TABLE IF NOT EXISTS impersonations (maker TEXT NOT NULL, session TEXT NOT NULL, PRIMARY KEY (maker, session))
  WITHOUT ROWID;
`;

/** A session in somebody else's name. */
export interface Made {
  readonly id: string;
  readonly cid: string;
  readonly uid: string;
  readonly label: string;
}

/** Statements of the table on one connection. */
export class Impersonations {
  readonly #note: Statement<unknown, [string, string]>;
  readonly #live: Statement<Made, [string]>;
  readonly #all: Statement<Made, [number]>;
  readonly #forget: Statement<unknown, [string]>;

  /** The table must exist. */
  constructor(db: Database) {
    this.#note = db.prepare("INSERT OR IGNORE INTO impersonations (maker, session) VALUES (?, ?)");
    this.#live = db.prepare(`SELECT sessions.id, cid, uid, ua_label AS label FROM impersonations
      JOIN sessions ON sessions.id = impersonations.session WHERE maker = ? AND ${LIVE_SQL}`);
    this.#all = db.prepare(`SELECT DISTINCT sessions.id, cid, uid, ua_label AS label FROM impersonations
      JOIN sessions ON sessions.id = impersonations.session WHERE ${LIVE_SQL} LIMIT ?`);
    this.#forget = db.prepare(`DELETE FROM impersonations
      WHERE maker = ? AND session NOT IN (SELECT id FROM sessions WHERE ${LIVE_SQL})`);
  }

  /** Frees the statements. */
  close(): void {
    for (const statement of [this.#note, this.#live, this.#all, this.#forget]) statement.finalize();
  }

  /** `maker`: the record id of the superuser. What that superuser made and has ended is forgotten. */
  add(maker: string, session: string): void {
    this.#forget.run(maker);
    this.#note.run(maker, session);
  }

  /** The live sessions a superuser has made, and what was made in turn with those that are a superuser's. */
  madeBy(maker: string): Made[] {
    const found = new Map<string, Made>();
    const makers = new Set([maker]);
    // A set may grow while it is walked: each maker's turn comes once.
    for (const one of makers) {
      for (const made of this.#live.all(one)) {
        found.set(made.id, made);
        if (made.cid === SUPERUSERS_ID) makers.add(made.uid);
      }
    }
    return [...found.values()];
  }

  /** Up to `max` live sessions that any superuser has made. */
  some(max: number): Made[] {
    return this.#all.all(max);
  }
}
