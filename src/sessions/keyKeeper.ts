// Changes and lists the keys that sign tokens, and notes what became of `Security.Secret`. What a key change means for
// tokens is the ring's business, what it means for streams and devices the listener's.
import { newSigningRecord } from "./keys.ts";
import type { SessionContext } from "./sessionContext.ts";

/** A key as an operator sees it; its material never leaves the store. */
export interface KeyView {
  readonly kid: string;
  readonly use: "signing" | "vault";
  readonly state: "active" | "verify" | "revoked";
  readonly createdMs: number;
  /** When its last token ends; 0 while it has signed none. */
  readonly lastExpMs: number;
}

/** For whom a change is made, for the event log. */
export interface KeyNote {
  /** Who asked for it; nobody when a schedule did. */
  readonly actor?: string | undefined;
  readonly ip?: string | undefined;
  readonly request?: string | undefined;
}

/** What came of comparing `Security.Secret` with the last start's. `again`: it changes at every start. */
export type SecretNote = "first" | "same" | "changed" | "again";

/** Who must hear of changes made here. */
export interface KeyListener {
  /** The keys in force have changed. */
  readonly onChange: () => void;
  /** Nothing this key has signed counts any more. */
  readonly onRevoked: (kid: string) => void;
}

/** The keys of one store. */
export class KeyKeeper {
  readonly #context: SessionContext;
  readonly #listener: KeyListener;

  constructor(context: SessionContext, listener: KeyListener) {
    this.#context = context;
    this.#listener = listener;
  }

  /** The key that signs now. */
  get signingKid(): string {
    return this.#context.keys.ring().signing.kid;
  }

  /** Every key that is stored, newest first. */
  list(): KeyView[] {
    return this.#context.store
      .keyRecords()
      .map(({ kid, use, state, createdMs, lastExpMs }) => ({ kid, use, state, createdMs, lastExpMs }))
      .sort((a, b) => b.createdMs - a.createdMs);
  }

  /** Signs with a new key from now on; older tokens stay valid until their end. Returns the new key's id. */
  async rotate(note: KeyNote = {}): Promise<string> {
    const kid = await this.#rotateUnless(() => false, note);
    return kid ?? this.signingKid;
  }

  /** Rotates when the signing key is older than that. Processes that share the store do it once among them. */
  async rotateIfOlder(ageMs: number): Promise<boolean> {
    const oldest = this.#context.times.earliest() - ageMs;
    const isDue = this.list().some((key) => isSigning(key) && key.createdMs < oldest);
    if (!isDue) return false;
    const isYoung = (keys: readonly KeyView[]): boolean =>
      keys.some((key) => isSigning(key) && key.createdMs >= oldest);
    return (await this.#rotateUnless(isYoung, { actor: "schedule" })) !== undefined;
  }

  /** Ends every token a key has signed; a new one signs if it was the current one. False when there is no such key. */
  async revoke(kid: string, note: KeyNote = {}): Promise<boolean> {
    const { root, random, times, store } = this.#context;
    const isRevoked = await store.write((tx) => {
      if (!tx.keys.revoke(kid)) return false;
      if (!tx.keys.hasActiveSigning())
        tx.keys.insert(newSigningRecord({ root, random, nowMs: times.wall() }));
      tx.append({ type: "key_revoked", detail: withActor(kid, note), ip: note.ip, request: note.request });
      return true;
    });
    this.#listener.onChange();
    if (isRevoked) this.#listener.onRevoked(kid);
    return isRevoked;
  }

  /**
   * Compares `Security.Secret` with the one of the last start, by a keyed hash. Sessions never depend on it; a change is
   * an event, whose first one is worth a warning.
   */
  async noteSecret(secret: string): Promise<SecretNote> {
    const { root, store } = this.#context;
    const hasher = new Bun.CryptoHasher("sha256", root.derive("secret"));
    const mark = hasher.update(secret).digest("hex");
    const before = store.note("secret");
    if (before === mark) return "same";
    await store.writeNote("secret", mark);
    if (before === undefined) return "first";
    await store.write((tx) => tx.append({ type: "secret_changed" }));
    if (store.note("secret_changed") !== undefined) return "again";
    await store.writeNote("secret_changed", "1");
    return "changed";
  }

  async #rotateUnless(
    isDone: (keys: readonly KeyView[]) => boolean,
    note: KeyNote,
  ): Promise<string | undefined> {
    const { root, random, times, store } = this.#context;
    const record = newSigningRecord({ root, random, nowMs: times.wall() });
    const isMade = await store.write((tx) => {
      if (isDone(tx.keys.all())) return false;
      tx.keys.retireSigning();
      tx.keys.insert(record);
      tx.append({
        type: "key_rotated",
        detail: withActor(record.kid, note),
        ip: note.ip,
        request: note.request,
      });
      return true;
    });
    this.#listener.onChange();
    return isMade ? record.kid : undefined;
  }
}

const isSigning = ({ use, state }: KeyView): boolean => use === "signing" && state === "active";

const withActor = (text: string, { actor }: KeyNote): string =>
  actor === undefined ? text : `${text} by ${actor}`;
