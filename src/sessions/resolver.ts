// Who is this? The path every request takes: one look-up for a token that was seen before, the whole check
// otherwise. What follows from a bad answer is in consequences.ts.

import { RecentMap } from "../utils/recentMap.ts";
import { belongsTo, holdsKey } from "./belonging.ts";
import type { Consequences } from "./consequences.ts";
import { type Presenter, toDevice } from "./device.ts";
import type { Live, LiveSessions, Loaded } from "./liveSessions.ts";
import { judgeUse, type UseVerdict } from "./rotation.ts";
import { publicIdOf, type SessionContext } from "./sessionContext.ts";
import { type Claims, verifyToken } from "./token.ts";
import type { UpstreamCheck } from "./upstreamCheck.ts";
import type { Verdict, Verified } from "./verdict.ts";

interface Entry extends Verified {
  readonly verdict: Verdict;
  readonly stamp: number;
  /** Monotonic ms until which the verdict holds without another look. */
  readonly untilMs: number;
}

export interface ResolverParts {
  readonly lives: LiveSessions;
  readonly consequences: Consequences;
  readonly upstream: UpstreamCheck;
  /** Called now and then, to hear of other processes' changes. */
  readonly listen: () => void;
  readonly cacheMax: number;
}

const LISTEN_EVERY_MS = 250;
const LOOK_AGAIN_MS = 60_000;
/** Another process may see the successor used, which starts the grace. */
const PREDECESSOR_MS = 5_000;
const CLOCK_STEP_MS = 1_000;

const INVALID: Verdict = { kind: "invalid" };
const EXPIRED: Verdict = { kind: "expired" };

/** Resolves tokens to sessions. */
export class Resolver {
  readonly #context: SessionContext;
  readonly #parts: ResolverParts;
  readonly #consequences: Consequences;
  #tokens: RecentMap<Entry>;
  #listenMs = Number.NEGATIVE_INFINITY;
  #clockMs = 0;

  constructor(context: SessionContext, parts: ResolverParts) {
    this.#context = context;
    this.#parts = parts;
    this.#consequences = parts.consequences;
    this.#tokens = new RecentMap(parts.cacheMax);
  }

  /** See {@link Verdict}. A promise only when something must be stored or PocketBase asked. @throws StoreUnavailable */
  resolve(token: string, presenter: Presenter): Verdict | Promise<Verdict> {
    const nowMs = this.#context.times.monotonic();
    if (nowMs >= this.#listenMs) this.#listen(nowMs);
    const entry = this.#tokens.get(token);
    if (entry === undefined) return this.#resolveNew(token, presenter);
    // An app's use makes a session mixed, which must be noted.
    const isKnown =
      entry.stamp === entry.live.stamp &&
      nowMs < entry.untilMs &&
      presenter.appId === undefined &&
      holdsKey(this.#context, entry.live, presenter);
    return isKnown ? entry.verdict : this.#resolveNew(token, presenter, entry);
  }

  /** Verifies a token and finds its session, without judging its generation. */
  verify(token: string, type: Claims["type"]): Verified | Verdict | Promise<Verdict> {
    const known = type === "auth" ? this.#tokens.get(token) : undefined;
    if (known !== undefined) return this.#renew(known);
    const { keys, store, times } = this.#context;
    const check = () =>
      verifyToken(token, { ring: keys.ring(), type, audience: store.instance, nowMs: times.latest() });
    let result = check();
    // A key another process has just made.
    if (!result.ok && result.fault === "header" && keys.reloadSeldom(store)) result = check();
    if (!result.ok) return result.fault === "expired" ? EXPIRED : INVALID;
    const { claims, kid } = result;
    return this.#bind({ claims, kid }, this.#parts.lives.find(publicIdOf(claims.sid)));
  }

  /** A token that was minted here just now: when it comes, it needs no verification, only a verdict. */
  expect(token: string, verified: Verified): void {
    const { stamp } = verified.live;
    this.#tokens.set(token, { ...verified, verdict: INVALID, stamp, untilMs: Number.NEGATIVE_INFINITY });
  }

  /** Drops every verdict: the keys have changed. */
  clear(): void {
    this.#tokens = new RecentMap(this.#parts.cacheMax);
  }

  #resolveNew(token: string, presenter: Presenter, entry?: Entry): Verdict | Promise<Verdict> {
    const verified = entry === undefined ? this.verify(token, "auth") : this.#renew(entry);
    if (!("live" in verified)) return verified;
    // Before anything is judged: a thief without the key can not even end the family with a stale token.
    if (!holdsKey(this.#context, verified.live, presenter))
      return { kind: "unproven", session: verified.live.session };
    const due = this.#parts.upstream.dueCheck(verified.live);
    if (due === undefined) return this.#judge(token, presenter, verified);
    return due.then((isAlive) =>
      isAlive ? this.#judge(token, presenter, verified) : { kind: "revoked", reason: "upstream_rejected" },
    );
  }

  /** A token that was verified before: only time and the session can have changed. */
  #renew({ claims, kid, live }: Entry): Verified | Verdict | Promise<Verdict> {
    if (claims.exp * 1000 <= this.#context.times.latest()) return EXPIRED;
    return this.#bind({ claims, kid }, this.#parts.lives.find(live.row.id), live);
  }

  /** @param proven - The session in memory that the token's proof was held against before. */
  #bind(
    token: Pick<Verified, "claims" | "kid">,
    loaded: Loaded,
    proven?: Live,
  ): Verified | Verdict | Promise<Verdict> {
    switch (loaded.kind) {
      case "live": {
        const { live } = loaded;
        return belongsTo(token.claims, live, proven) ? { ...token, live } : INVALID;
      }
      case "damaged":
        return this.#consequences.endDamaged(loaded.row.id);
      case "unknown":
        return INVALID;
      case "revoked":
      case "expired":
        return loaded;
      default:
        return loaded satisfies never;
    }
  }

  #resolveHealed(
    token: string,
    presenter: Presenter,
    { claims, kid, live }: Verified,
  ): Verdict | Promise<Verdict> {
    const verified = this.#bind({ claims, kid }, this.#parts.lives.read(live.row.id));
    return "live" in verified ? this.#judge(token, presenter, { ...verified, hasHealed: true }) : verified;
  }

  #judge(
    token: string,
    presenter: Presenter,
    verified: Verified & { readonly hasHealed?: boolean },
  ): Verdict | Promise<Verdict> {
    const { hasHealed = false } = verified;
    const first = this.#use(verified, presenter);
    if (first.kind === "current" || first.kind === "grace") {
      return this.#accept(token, presenter, { ...verified, use: first });
    }
    // The rest is only decided on what the store says now: this process may be behind.
    const { claims, kid, live } = verified;
    const fresh = this.#bind({ claims, kid }, this.#parts.lives.read(live.row.id), live);
    if (!("live" in fresh)) return fresh;
    const use = this.#use(fresh, presenter);
    switch (use.kind) {
      case "current":
      case "predecessor":
      case "grace":
        return this.#accept(token, presenter, { ...fresh, use });
      case "ahead":
        if (hasHealed) return { kind: "stale", session: fresh.live.session };
        return this.#consequences.heal(fresh).then(() => this.#resolveHealed(token, presenter, fresh));
      case "stale":
        this.#consequences.noteStale(fresh.live, presenter, use.comparison);
        return { kind: "stale", session: fresh.live.session };
      case "revoke":
        return this.#consequences.endFamily(fresh.live, use.reason, presenter);
      default:
        return use satisfies never;
    }
  }

  #use({ claims, live }: Verified, presenter: Presenter): UseVerdict {
    const { times, rulesOf } = this.#context;
    const presented = { gen: claims.gen, issuedAtMs: claims.iat * 1000, device: toDevice(presenter) };
    return judgeUse(live.row.rotation, presented, { nowMs: times.steady(), rules: rulesOf(live.row.kind) });
  }

  #accept(
    token: string,
    presenter: Presenter,
    { claims, kid, live, use }: Verified & { readonly use: UseVerdict },
  ): Verdict {
    const { times } = this.#context;
    if (use.kind === "current" && use.next !== undefined) this.#parts.lives.noteRotation(live, use.next);
    this.#parts.lives.noteUse(live, presenter);
    const standing = use.kind === "current" || use.kind === "grace" ? use.kind : "predecessor";
    const verdict: Verdict = { kind: "live", session: live.session, standing };
    const endMs = Math.min(claims.exp * 1000, live.row.absExpMs, live.row.upExpMs);
    const graceMs =
      use.kind === "grace" ? use.leftMs : use.kind === "current" ? LOOK_AGAIN_MS : PREDECESSOR_MS;
    // In a mixed session every device that comes along is noted, so nothing is remembered.
    const holdsMs = live.row.rotation.isMixed
      ? 0
      : Math.min(endMs - times.latest(), graceMs, LOOK_AGAIN_MS, this.#parts.upstream.quietMs(live));
    const untilMs = times.monotonic() + holdsMs;
    this.#tokens.set(token, { claims, kid, live, verdict, stamp: live.stamp, untilMs });
    return verdict;
  }

  #listen(nowMs: number): void {
    this.#listenMs = nowMs + LISTEN_EVERY_MS;
    const offsetMs = this.#context.times.wall() - nowMs;
    // Verdicts hold for monotonic times; after the wall clock was set, ends must be judged anew.
    if (Math.abs(offsetMs - this.#clockMs) > CLOCK_STEP_MS) this.clear();
    this.#clockMs = offsetMs;
    this.#parts.listen();
  }
}
