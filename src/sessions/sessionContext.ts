// What the parts of the session service share: the store, the keys, the clocks and the rules. Holds; decides little.
import { createHash, createHmac } from "node:crypto";
import { createKeyRing, type KeyRing } from "./keys.ts";
import type { RootKey } from "./rootKey.ts";
import { BALANCED_RULES, type RotationRules } from "./rotation.ts";
import type { SessionKind, SessionRow } from "./sessionRow.ts";
import type { RandomSource, Times } from "./sources.ts";
import type { Store } from "./store.ts";
import { type Claims, mintToken, proofOf } from "./token.ts";
import type { Vault, VaultPlace } from "./vault.ts";

/** How long sessions of a kind last and how many a record may have. */
export interface SessionLimits {
  /** Without a request for this long a session ends. */
  readonly idleMs: number;
  /** However much it is used, a session ends then. */
  readonly absoluteMs: number;
  /** Sessions of one record; the one used least recently makes room. */
  readonly perRecordMax: number;
}

const DAY_MS = 86_400_000;

/** The limits by kind (OWASP ASVS 5.0 V7 asks that they be documented). */
export const SESSION_LIMITS: Readonly<Record<SessionKind, SessionLimits>> = {
  record: { idleMs: 7 * DAY_MS, absoluteMs: 30 * DAY_MS, perRecordMax: 20 },
  superuser: { idleMs: DAY_MS / 48, absoluteMs: DAY_MS / 2, perRecordMax: 20 },
  // They last as long as PocketBase made them: API keys may be years old and seldom used.
  impersonated: { idleMs: Number.POSITIVE_INFINITY, absoluteMs: Number.POSITIVE_INFINITY, perRecordMax: 100 },
};

/** Sessions that have ended, for whoever holds streams or answers of theirs. */
export interface Ended {
  /** Public ids; empty when a whole collection (or everybody: both undefined) is meant. */
  readonly ids: readonly string[];
  readonly cid: string | undefined;
  readonly uid: string | undefined;
  readonly reason: string;
}

/** Named moments at which tests end the process. */
export type CrashPoint = "begin" | "applied" | "committed" | "minted";

export interface SessionContext {
  readonly store: Store;
  readonly root: RootKey;
  readonly vault: Vault;
  readonly keys: KeyHolder;
  readonly times: Times;
  readonly random: RandomSource;
  readonly node: number;
  readonly limits: Readonly<Record<SessionKind, SessionLimits>>;
  readonly rulesOf: (kind: SessionKind) => RotationRules;
  /** Records' sessions count only when they are bound to a key. */
  readonly requiresKey: boolean;
  readonly warn: (message: string) => void;
  readonly atPoint: ((point: CrashPoint) => void) | undefined;
}

/** The rules by kind: superusers get no second chance after the grace. */
export const createRules = (graceMs: number): ((kind: SessionKind) => RotationRules) => {
  const balanced = { ...BALANCED_RULES, graceMs };
  const strict = { ...balanced, isStrict: true };
  return (kind) => (kind === "superuser" ? strict : balanced);
};

/** The key ring in force; replaced as a whole when the stored keys change. */
export class KeyHolder {
  readonly #root: RootKey;
  readonly #times: Times;
  #ring: KeyRing;
  #coveredMs: number;
  #readMs = Number.NEGATIVE_INFINITY;

  constructor(root: RootKey, { store, times }: { readonly store: Store; readonly times: Times }) {
    this.#root = root;
    this.#times = times;
    [this.#ring, this.#coveredMs] = this.#read(store);
  }

  readonly ring = (): KeyRing => this.#ring;

  /** Reads the stored keys again. */
  reload(store: Store): void {
    [this.#ring, this.#coveredMs] = this.#read(store);
  }

  /** The same, at most once a second: for a token whose key is unknown here. */
  reloadSeldom(store: Store): boolean {
    if (this.#times.monotonic() - this.#readMs < RELOAD_EVERY_MS) return false;
    const { size } = this.#ring.byKid;
    const before = this.#ring.signing.kid;
    this.reload(store);
    return size !== this.#ring.byKid.size || before !== this.#ring.signing.kid;
  }

  /** The end to store for the signing key when a token lasts until `expMs`; undefined when it is covered already. */
  extensionFor(expMs: number): number | undefined {
    return expMs <= this.#coveredMs ? undefined : expMs + DAY_MS;
  }

  /** The extension of a key is on disk. */
  extended(kid: string, coveredMs: number | undefined): void {
    // The keys may have been rotated meanwhile: what covers one key says nothing about the next.
    if (coveredMs !== undefined && kid === this.#ring.signing.kid)
      this.#coveredMs = Math.max(this.#coveredMs, coveredMs);
  }

  #read(store: Store): [KeyRing, number] {
    const records = store.keyRecords();
    const ring = createKeyRing(this.#root, records, this.#times.wall());
    this.#readMs = this.#times.monotonic();
    return [ring, records.find(({ kid }) => kid === ring.signing.kid)?.lastExpMs ?? 0];
  }
}

const RELOAD_EVERY_MS = 1_000;

/** The secret name of a session: it follows from the session's key, so that no file holds it. */
export const sidOf = (sessionKey: Uint8Array): string =>
  createHmac("sha256", sessionKey).update("hapta-sid/1").digest().subarray(0, 16).toString("base64url");

/** The public id of a session: what the database, logs and users see of its secret name. */
export const publicIdOf = (sid: string): string =>
  createHash("sha256").update(`hapta-id/1|${sid}`).digest("base64url").slice(0, 22);

/** The vault's place of one of a row's secrets. */
export const placeOf = (
  row: Pick<SessionRow, "id" | "cid" | "uid">,
  column: VaultPlace["column"],
): VaultPlace => ({
  column,
  id: row.id,
  cid: row.cid,
  uid: row.uid,
});

/** A token and what it says. */
export interface MintedRow {
  readonly token: string;
  readonly claims: Claims;
}

/** The token of a row's current generation: the same bytes each time; undefined when its key was revoked. */
export const mintRow = (
  context: SessionContext,
  row: SessionRow,
  { sessionKey, sid }: { readonly sessionKey: Uint8Array; readonly sid: string },
): MintedRow | undefined => {
  const key = context.keys.ring().byKid.get(row.kid);
  if (key === undefined) return undefined;
  const { gen } = row.rotation;
  const claims = {
    id: row.uid,
    collectionId: row.cid,
    type: "auth",
    exp: row.genExp,
    iat: row.genIat,
    sid,
    gen,
    jti: proofOf(sessionKey, "jti", gen),
    refreshable: row.kind !== "impersonated",
    jkt: row.jkt,
  } as const;
  return { token: mintToken(claims, key, context.store.instance), claims };
};

/** `iat` and `exp` (seconds) of a generation minted now. */
export const spanOf = (nowMs: number, { ttlMs, absExpMs }: Pick<SessionRow, "ttlMs" | "absExpMs">) => ({
  genIat: Math.floor(nowMs / 1000),
  genExp: Math.floor(Math.min(nowMs + ttlMs, absExpMs) / 1000),
});
