// What follows when a token shows that something is wrong: its family ends, a write that the store has lost is caught up
// with, an event is noted. Judges no token.
import type { Presenter } from "./device.ts";
import type { Ending } from "./ending.ts";
import type { Live, LiveSessions } from "./liveSessions.ts";
import { fastForward } from "./rotation.ts";
import type { SessionContext } from "./sessionContext.ts";
import type { Verdict, Verified } from "./verdict.ts";

const STALE_LOGGED_EVERY_MS = 60_000;

export class Consequences {
  readonly #context: SessionContext;
  readonly #lives: LiveSessions;
  readonly #ending: Ending;

  constructor(context: SessionContext, lives: LiveSessions, ending: Ending) {
    this.#context = context;
    this.#lives = lives;
    this.#ending = ending;
  }

  /** Takes our own newer token as the truth: the store has lost a write. Resolves to false when it moved meanwhile. */
  async heal({ claims, kid, live }: Verified): Promise<boolean> {
    const { row } = live;
    const moment = { nowMs: this.#context.times.steady(), rules: this.#context.rulesOf(row.kind) };
    const next = fastForward(row.rotation, claims.gen, moment);
    const isHealed = await this.#context.store.write((tx) => {
      const isWritten = tx.sessions.rotate({
        id: row.id,
        expected: { gen: row.rotation.gen, epoch: row.epoch },
        next,
        genIat: claims.iat,
        genExp: claims.exp,
        kid,
        lastSeenMs: row.lastSeenMs,
        endsAtMs: row.endsAtMs,
      });
      const { id: session, cid, uid, label } = row;
      const detail = `${row.rotation.gen} to ${claims.gen}`;
      if (isWritten) tx.append({ type: "generation_ahead", session, cid, uid, label, detail });
      return isWritten;
    });
    this.#lives.drop([row.id]);
    return isHealed;
  }

  /** Ends a family because of a replay, in one transaction. What the caller does afterwards cannot undo it. */
  async endFamily({ row }: Live, reason: string, { address }: Presenter): Promise<Verdict> {
    const note = { reason, cause: "token_replay", ip: address } as const;
    await this.#ending.revoke({ kind: "session", id: row.id }, note);
    return { kind: "revoked", reason };
  }

  /** Ends a session whose locked token cannot be opened any more. */
  async endDamaged(id: string): Promise<Verdict> {
    const reason = "vault_damaged";
    await this.#ending.revoke({ kind: "session", id }, { reason, cause: reason });
    return { kind: "revoked", reason };
  }

  /** Notes a stale token, of one session once a minute at most. */
  noteStale(live: Live, { address }: Presenter, comparison: string): void {
    const nowMs = this.#context.times.monotonic();
    if (nowMs - live.staleLoggedMs < STALE_LOGGED_EVERY_MS) return;
    live.staleLoggedMs = nowMs;
    const { id: session, cid, uid, label } = live.row;
    const event = { type: "token_stale", session, cid, uid, ip: address, label, detail: comparison } as const;
    this.#context.store
      .write((tx) => tx.append(event))
      .catch((error: unknown) => this.#context.warn(`An event was not stored: ${String(error)}`));
  }
}
