// SQL over the key table on one connection. Changes name what they change, so that processes sharing the file
// cannot undo each other's.
import type { Database } from "bun:sqlite";
import type { KeyRecord } from "./keys.ts";

export class KeyTable {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  all(): KeyRecord[] {
    const sql = "SELECT kid, use, state, material, created AS createdMs, last_exp AS lastExpMs FROM keys";
    return this.#db.query<KeyRecord, []>(sql).all();
  }

  insert({ kid, use, state, material, createdMs, lastExpMs }: KeyRecord): void {
    this.#db
      .query("INSERT INTO keys (kid, use, state, material, created, last_exp) VALUES (?, ?, ?, ?, ?, ?)")
      .run(kid, use, state, material, Math.round(createdMs), Math.round(lastExpMs));
  }

  /** Makes every active signing key verify-only. */
  retireSigning(): void {
    this.#db.query("UPDATE keys SET state = 'verify' WHERE use = 'signing' AND state = 'active'").run();
  }

  /** False when there is no such signing key or it was revoked before. */
  revoke(kid: string): boolean {
    const sql = "UPDATE keys SET state = 'revoked' WHERE kid = ? AND use = 'signing' AND state <> 'revoked'";
    return this.#db.query(sql).run(kid).changes === 1;
  }

  hasActiveSigning(): boolean {
    return this.#db.query("SELECT 1 FROM keys WHERE use = 'signing' AND state = 'active'").get() !== null;
  }

  /** Notes that tokens of a key last until then. */
  extend(kid: string, expMs: number): void {
    this.#db.query("UPDATE keys SET last_exp = MAX(last_exp, ?) WHERE kid = ?").run(Math.round(expMs), kid);
  }
}
