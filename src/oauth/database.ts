// The database of logins under way: `oauth.db`. Survives a killed process; a power cut may take the last second, which
// costs somebody a second try. Nothing in it can be read without the root key.
import { Database } from "bun:sqlite";
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from "node:crypto";

// Rows are named by hashes of secrets. `owner`: whose share of the rows it counts against. Times in Unix ms.
const TABLES = `
CREATE TABLE IF NOT EXISTS slips (
  id TEXT PRIMARY KEY, owner TEXT NOT NULL, exp INTEGER NOT NULL, sealed BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS slips_owner ON slips (owner, exp);
CREATE TABLE IF NOT EXISTS devices (
  id TEXT PRIMARY KEY, user_id TEXT NOT NULL UNIQUE, owner TEXT NOT NULL, exp INTEGER NOT NULL,
  status TEXT NOT NULL, polled INTEGER NOT NULL, info BLOB NOT NULL, result BLOB
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS devices_owner ON devices (owner, exp);
`;

/** Opens the database, made anew when it is not there. @throws what SQLite throws. */
export const openOAuthDatabase = (path: string): Database => {
  const db = new Database(path, { create: true, strict: true });
  db.run("PRAGMA journal_mode = WAL");
  db.run("PRAGMA synchronous = NORMAL");
  db.run("PRAGMA busy_timeout = 2000");
  db.run(TABLES);
  return db;
};

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** Locks values with AES-256-GCM; a blob opens only under the name it was locked for. */
export interface Sealer {
  /** The key under which a secret's row is found: says nothing about the secret. */
  idOf(name: string): string;
  seal(name: string, value: unknown): Uint8Array;
  /** The value; undefined for a blob of another name or key. */
  open(name: string, blob: Uint8Array): unknown;
}

/** @param key - 32 bytes of its own use. */
export const createSealer = (key: Uint8Array): Sealer => {
  const mac = (label: string, name: string): Buffer =>
    createHmac("sha256", key).update(`${label}\0${name}`).digest();
  return {
    idOf: (name) => mac("id", name).toString("base64url"),
    seal: (name, value) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", mac("key", name), nonce);
      return Buffer.concat([
        nonce,
        cipher.update(JSON.stringify(value)),
        cipher.final(),
        cipher.getAuthTag(),
      ]);
    },
    open: (name, blob) => {
      if (blob.length < NONCE_BYTES + TAG_BYTES) return undefined;
      const decipher = createDecipheriv("aes-256-gcm", mac("key", name), blob.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(blob.subarray(-TAG_BYTES));
      try {
        const plain = [decipher.update(blob.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
        return JSON.parse(Buffer.concat(plain).toString("utf8"));
      } catch {
        return undefined; // the tag does not fit
      }
    },
  };
};
