// auth-refresh: the current generation mints the next, everybody who lost a race or an answer gets the same bytes,
// and a replay ends the family.

import { holdsKey } from "./belonging.ts";
import type { Consequences } from "./consequences.ts";
import { type Presenter, toDevice } from "./device.ts";
import type { LiveSessions, Session } from "./liveSessions.ts";
import type { Resolver } from "./resolver.ts";
import { judgeRefresh, type Rotation } from "./rotation.ts";
import { mintRow, placeOf, type SessionContext, spanOf } from "./sessionContext.ts";
import type { SessionRow } from "./sessionRow.ts";
import type { UpstreamWrite } from "./sessionTable.ts";
import type { Store } from "./store.ts";
import { StoreUnavailable } from "./storeUnavailable.ts";
import type { Verdict, Verified } from "./verdict.ts";

/** PocketBase's token from its own answer to this refresh; stored with the rotation. */
export interface NewUpstream {
  readonly token: string;
  readonly expMs: number;
  /** When PocketBase was asked for it (wall ms); now if not given. */
  readonly askedMs?: number;
}

/** `minted`: a new generation. `same`: the current token again. The rest as in {@link Verdict}; never "stale". */
export type RefreshOutcome =
  | {
      readonly kind: "minted" | "same";
      readonly token: string;
      readonly expMs: number;
      readonly session: Session;
    }
  | Extract<Verdict, { readonly kind: "revoked" | "expired" | "invalid" }>;

interface Attempt extends Verified {
  readonly presenter: Presenter;
  readonly upstream: NewUpstream | undefined;
}

/** Races are lost to somebody who won, so a few rounds settle any crowd. */
const ROUNDS_MAX = 5;
const INVALID: RefreshOutcome = { kind: "invalid" };

interface RefresherParts {
  readonly lives: LiveSessions;
  readonly resolver: Resolver;
  readonly consequences: Consequences;
}

/** Refreshes tokens. */
export class Refresher {
  readonly #context: SessionContext;
  readonly #lives: LiveSessions;
  readonly #resolver: Resolver;
  readonly #consequences: Consequences;

  constructor(context: SessionContext, { lives, resolver, consequences }: RefresherParts) {
    this.#context = context;
    this.#lives = lives;
    this.#resolver = resolver;
    this.#consequences = consequences;
  }

  /**
   * See {@link RefreshOutcome}. When it resolves, a minted generation survives the end of this process. A power cut may
   * take it back: its token then shows that the store has lost a write (rule 4). @throws StoreUnavailable
   */
  async refresh(token: string, presenter: Presenter, upstream?: NewUpstream): Promise<RefreshOutcome> {
    for (let round = 0; round < ROUNDS_MAX; round++) {
      const verified = await this.#resolver.verify(token, "auth");
      if (!("live" in verified)) return "session" in verified ? INVALID : verified;
      // Always on what the store says now.
      const fresh = this.#lives.read(verified.live.row.id);
      if (fresh.kind !== "live") {
        if (fresh.kind === "revoked" || fresh.kind === "expired") return fresh;
        return INVALID;
      }
      const outcome = await this.#attempt({ ...verified, live: fresh.live, presenter, upstream });
      if (outcome !== undefined) return outcome;
    }
    throw new StoreUnavailable("busy");
  }

  /** Undefined: somebody was faster; look again. */
  async #attempt(attempt: Attempt): Promise<RefreshOutcome | undefined> {
    const { claims, live, presenter } = attempt;
    if (!holdsKey(this.#context, live, presenter)) return INVALID;
    const { times, rulesOf } = this.#context;
    const { row } = live;
    const presented = { gen: claims.gen, issuedAtMs: claims.iat * 1000, device: toDevice(presenter) };
    const moment = { nowMs: times.steady(), rules: rulesOf(row.kind) };
    const verdict = judgeRefresh(row.rotation, presented, moment);
    switch (verdict.kind) {
      case "ahead":
        await this.#consequences.heal(attempt);
        return undefined;
      case "revoke": {
        const ended = await this.#consequences.endFamily(live, verdict.reason, presenter);
        return ended.kind === "revoked" ? ended : INVALID;
      }
      case "reissue":
        if (verdict.next !== undefined) await this.#storeAlternation(attempt, verdict.next);
        return this.#mint("same", row, attempt);
      case "advance":
        // Impersonated tokens never rotate; a superseded session runs out on the token it has.
        if (row.kind === "impersonated" || row.status !== "active") return this.#mint("same", row, attempt);
        return this.#advance(attempt, verdict.next, verdict.isAlternation);
      default:
        return verdict satisfies never;
    }
  }

  async #advance(
    attempt: Attempt,
    next: Rotation,
    isAlternation: boolean,
  ): Promise<RefreshOutcome | undefined> {
    const { live, presenter } = attempt;
    const { row } = live;
    const { id, cid, uid, label } = row;
    const context = this.#context;
    const nowMs = context.times.wall();
    const upstream = this.#seal(attempt, nowMs);
    const ttlMs = upstream?.ttlMs ?? row.ttlMs;
    // No token promises more than the one inside has left.
    const upExpMs = upstream?.upExpMs ?? row.upExpMs;
    const span = spanOf(nowMs, { ttlMs, absExpMs: Math.min(row.absExpMs, upExpMs) });
    const { kid } = context.keys.ring().signing;
    const endsAtMs = Math.min(row.absExpMs, nowMs + context.limits[row.kind].idleMs);
    const changes = { ...span, rotation: next, kid, lastSeenMs: nowMs, endsAtMs, ...columnsOf(upstream) };
    const expected = { gen: row.rotation.gen, epoch: row.epoch };
    const extendedMs = context.keys.extensionFor(span.genExp * 1000);
    const { store } = context;
    const mustSync = isAlternation || extendedMs !== undefined || isAged(row, nowMs);
    const write: Store["write"] = (change) => (mustSync ? store.write(change) : store.writeUnsynced(change));
    const isWritten = await write((tx) => {
      if (!tx.sessions.rotate({ id, expected, next, ...span, kid, lastSeenMs: nowMs, endsAtMs, upstream }))
        return false;
      if (extendedMs !== undefined) tx.keys.extend(kid, extendedMs);
      const event = { session: id, cid, uid, ip: presenter.address, label, detail: String(next.gen) };
      if (isAlternation) tx.append({ type: "token_alternation", ...event });
      tx.append({ type: "session_rotated", ...event });
      return true;
    });
    if (!isWritten) {
      this.#lives.drop([id]);
      return undefined;
    }
    // Nothing ran since the commit: whoever ends the session later drops what is kept here.
    this.#lives.rotated(live, changes, attempt.upstream?.token);
    context.keys.extended(kid, extendedMs);
    return this.#mint("minted", { ...row, ...changes }, attempt);
  }

  async #storeAlternation({ live, presenter }: Attempt, next: Rotation): Promise<void> {
    const { id, cid, uid, label } = live.row;
    await this.#context.store.write((tx) => {
      tx.sessions.note(id, next);
      tx.append({
        type: "token_alternation",
        session: id,
        cid,
        uid,
        ip: presenter.address,
        label,
        detail: "reissue",
      });
    });
    this.#lives.drop([id]);
  }

  #mint(kind: "minted" | "same", row: SessionRow, { live, claims: { sid } }: Attempt): RefreshOutcome {
    const minted = mintRow(this.#context, row, { sessionKey: live.sessionKey, sid });
    if (minted === undefined) return { kind: "revoked", reason: "key_revoked" };
    const { token, claims } = minted;
    this.#context.atPoint?.("minted");
    this.#resolver.expect(token, { claims, kid: row.kid, live });
    return { kind, token, expMs: row.genExp * 1000, session: live.session };
  }

  #seal({ upstream, live }: Attempt, nowMs: number): UpstreamWrite | undefined {
    if (upstream === undefined) return undefined;
    const upEnc = this.#context.vault.seal(placeOf(live.row, "up"), Buffer.from(upstream.token));
    const ttlMs = Math.max(0, upstream.expMs - nowMs);
    return { upEnc, upExpMs: upstream.expMs, checkedMs: upstream.askedMs ?? nowMs, ttlMs };
  }
}

/**
 * Whether the upstream token that is stored has less than half of its life left: after a power cut that takes the new one
 * back and a long time without power it might have ended, and with it the session.
 */
const isAged = ({ upExpMs, ttlMs }: SessionRow, nowMs: number): boolean => upExpMs - nowMs < ttlMs / 2;

const columnsOf = (upstream: UpstreamWrite | undefined): Partial<SessionRow> => {
  if (upstream === undefined) return {};
  const { upEnc, upExpMs, checkedMs: upCheckedMs, ttlMs } = upstream;
  return { upEnc, upExpMs, upCheckedMs, ttlMs };
};
