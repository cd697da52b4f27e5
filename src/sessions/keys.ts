// The key ring: which keys sign, which still verify, and the keys that lock the vault. Values only: the ring is
// made from stored records and replaced as a whole; storing them is not done here.
import { createCipheriv, createDecipheriv, createHmac, timingSafeEqual } from "node:crypto";
import { type RootKey, SessionStartError } from "./rootKey.ts";
import type { RandomSource } from "./sources.ts";

/** A key verifies for a day at least, whatever it is known to have signed. */
const KEPT_MS = 86_400_000;

/** One key as it is stored; useless without the root key. */
export interface KeyRecord {
  /** `k` and 8 characters of base64url for signing keys, 8 hex digits for vault keys. */
  readonly kid: string;
  readonly use: "signing" | "vault";
  /** `active`: signs or locks. `verify`: only opens what it made. `revoked`: nothing it made counts. */
  readonly state: "active" | "verify" | "revoked";
  /** Signing: the salt of its derivation. Vault: the data key, wrapped under a key from the root. */
  readonly material: Uint8Array;
  readonly createdMs: number;
  /** End of the longest token signed so far, rounded up; Unix ms. */
  readonly lastExpMs: number;
}

/** A key that signs or verifies tokens. */
export interface SigningKey {
  readonly kid: string;
  readonly secret: Buffer;
  readonly authHeader: string;
  readonly fileHeader: string;
}

/** The keys in force. */
export interface KeyRing {
  readonly signing: SigningKey;
  /** Keys that may verify, by id. */
  readonly byKid: ReadonlyMap<string, SigningKey>;
  /** The whole allow-list of token headers: encoded header to key. */
  readonly authHeaders: ReadonlyMap<string, SigningKey>;
  readonly fileHeaders: ReadonlyMap<string, SigningKey>;
  /** Data keys by id; the newest locks. */
  readonly vaultKeys: ReadonlyMap<string, Buffer>;
  readonly vaultKid: string;
}

/**
 * Opens the stored keys. Verify-only keys whose last token has ended by `nowMs`, and revoked ones, are left out.
 *
 * @throws SessionStartError when there is no active key or a data key does not unwrap.
 */
export const createKeyRing = (root: RootKey, records: readonly KeyRecord[], nowMs: number): KeyRing => {
  const inForce = records.filter((record) => record.state !== "revoked");
  const vaultRecords = inForce.filter((record) => record.use === "vault");
  const keys = inForce
    .filter(({ use, state, lastExpMs, createdMs }) => {
      // A key that was retired young may be about to sign a token that was begun before.
      const endMs = Math.max(lastExpMs, createdMs + KEPT_MS);
      return use === "signing" && (state === "active" || endMs > nowMs);
    })
    .map((record) => ({ record, key: toSigningKey(root, record) }));
  const signing = keys.find(({ record }) => record.state === "active")?.key;
  const vaultKid = vaultRecords.find(({ state }) => state === "active")?.kid;
  if (signing === undefined || vaultKid === undefined) {
    throw new SessionStartError("The session database has no active key; restore it from a backup.");
  }
  return {
    signing,
    byKid: new Map(keys.map(({ key }) => [key.kid, key])),
    authHeaders: new Map(keys.map(({ key }) => [key.authHeader, key])),
    fileHeaders: new Map(keys.map(({ key }) => [key.fileHeader, key])),
    vaultKeys: new Map(vaultRecords.map((record) => [record.kid, unwrap(root, record)])),
    vaultKid,
  };
};

/** What making a key needs. */
export interface NewKeyOptions {
  readonly root: RootKey;
  readonly random: RandomSource;
  readonly nowMs: number;
}

/** A new active signing key. */
export const newSigningRecord = ({ random, nowMs }: NewKeyOptions): KeyRecord => ({
  kid: `k${Buffer.from(random(6)).toString("base64url")}`,
  use: "signing",
  state: "active",
  material: random(16),
  createdMs: nowMs,
  lastExpMs: 0,
});

/** A new active data key, wrapped (AES-256-GCM) under a key that only the root key yields. */
export const newVaultRecord = ({ root, random, nowMs }: NewKeyOptions): KeyRecord => {
  const kid = Buffer.from(random(4)).toString("hex");
  const nonce = random(12);
  const cipher = createCipheriv("aes-256-gcm", root.derive("vault"), nonce);
  cipher.setAAD(wrapContext(kid));
  const material = Buffer.concat([nonce, cipher.update(random(32)), cipher.final(), cipher.getAuthTag()]);
  return { kid, use: "vault", state: "active", material, createdMs: nowMs, lastExpMs: 0 };
};

/** The mark by which a database knows its root key; says nothing about the key. `instance` is the database's id. */
export const rootFingerprint = (root: RootKey, instance: string): string =>
  createHmac("sha256", root.derive("fingerprint")).update(instance).digest("base64url");

/** @throws SessionStartError when the database was made under another root key. */
export const requireFingerprint = (
  root: RootKey,
  stored: { instance: string; fingerprint: string },
): void => {
  const expected = Buffer.from(rootFingerprint(root, stored.instance));
  const actual = Buffer.from(stored.fingerprint);
  if (expected.length === actual.length && timingSafeEqual(expected, actual)) return;
  throw new SessionStartError(
    "The root key is not the one the sessions were made with; restore HAPTA_ROOT_KEY or hapta.root, or move sessions.db away to start without sessions.",
  );
};

const wrapContext = (kid: string): Buffer => Buffer.from(`hapta-dek/1|${kid}`);

const unwrap = (root: RootKey, { kid, material }: KeyRecord): Buffer => {
  const decipher = createDecipheriv("aes-256-gcm", root.derive("vault"), material.subarray(0, 12));
  decipher.setAAD(wrapContext(kid));
  decipher.setAuthTag(material.subarray(-16));
  try {
    return Buffer.concat([decipher.update(material.subarray(12, -16)), decipher.final()]);
  } catch (error) {
    throw new SessionStartError("A key in the session database is damaged; restore it from a backup.", {
      cause: error,
    });
  }
};

const toSigningKey = (root: RootKey, { kid, material }: KeyRecord): SigningKey => ({
  kid,
  secret: root.derive("signing", `${kid}|${Buffer.from(material).toString("hex")}`),
  authHeader: encodeHeader("hapta+jwt", kid),
  fileHeader: encodeHeader("hapta-file+jwt", kid),
});

const encodeHeader = (typ: string, kid: string): string =>
  Buffer.from(JSON.stringify({ alg: "HS256", typ, kid })).toString("base64url");
