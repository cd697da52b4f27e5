// The sessions in use: rows read once, their keys unlocked, and what was learnt about them until it is stored.
// A cache in front of the store; it accepts and refuses nobody.

import { RecentMap } from "../utils/recentMap.ts";
import type { Presenter } from "./device.ts";
import type { StoredEvent } from "./eventRow.ts";
import type { Rotation } from "./rotation.ts";
import { placeOf, type SessionContext } from "./sessionContext.ts";
import type { SessionKind, SessionRow } from "./sessionRow.ts";

/** A live session as the rest of Hapta knows it. */
export interface Session {
  /** Public id, 22 characters; safe to show to its owner. */
  readonly id: string;
  /** The record: collection id and record id. */
  readonly cid: string;
  readonly uid: string;
  readonly kind: SessionKind;
  readonly createdMs: number;
  /** When its holder last proved who they are. */
  readonly authTimeMs: number;
  /** Authentication methods, comma-separated. */
  readonly amr: string;
  /** Thumbprint of the key the session is bound to. */
  readonly jkt: string | undefined;
  readonly appId: string | undefined;
}

/** A session in memory. */
export interface Live {
  readonly session: Session;
  readonly sessionKey: Buffer;
  row: SessionRow;
  /** The store's version when the row was read: while it is the same, so is the row. */
  version: number;
  /** Grows when cached judgements about this session no longer hold; -1 for good. */
  stamp: number;
  /** Monotonic ms before which PocketBase is not asked again after a failed probe. */
  probeAgainMs: number;
  staleLoggedMs: number;
  /** Monotonic ms before PocketBase was asked for the last refresh that it accepted. */
  askedMs: number;
}

/** What a look-up finds. `damaged`: the row's secrets do not open. */
export type Loaded =
  | { readonly kind: "live"; readonly live: Live }
  | { readonly kind: "revoked"; readonly reason: string }
  | { readonly kind: "expired" }
  | { readonly kind: "damaged"; readonly row: SessionRow }
  | { readonly kind: "unknown" };

interface Note {
  rotation?: Rotation;
  checkedMs?: number;
  seen?: { readonly atMs: number; readonly ip: string; readonly endsAtMs: number };
}

const NOTES_EVERY_MS = 1_000;
const NOTES_MAX = 5_000;
const UPSTREAM_KEPT_MS = 300_000;

/** The cache of sessions; at most `max` are held. */
export class LiveSessions {
  readonly #context: SessionContext;
  readonly #lives: RecentMap<Live>;
  readonly #upstream: RecentMap<{ readonly token: string; readonly untilMs: number }>;
  readonly #notes = new Map<string, Note>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(context: SessionContext, max: number) {
    this.#context = context;
    // Judgements hold on to their session: forgetting one must end them, or a revocation could not reach them.
    this.#lives = new RecentMap<Live>(max, (live) => {
      live.stamp = -1;
    });
    this.#upstream = new RecentMap(max);
  }

  /** The session, from memory or the store. @throws StoreUnavailable */
  find(id: string): Loaded {
    const live = this.#lives.get(id);
    return live === undefined ? this.read(id) : this.#judge(live.row, live);
  }

  /** The session as the store has it now. @throws StoreUnavailable */
  read(id: string): Loaded {
    const known = this.#lives.get(id);
    const { store } = this.#context;
    // Before the row: what is written in between makes the next look a real one.
    const version = store.version();
    if (known?.version === version) return this.#judge(known.row, known);
    const found = store.read((sessions) => sessions.read(id));
    if (found === undefined) return this.#forget(id, { kind: "unknown" });
    if (found.isCovered) return this.#forget(id, { kind: "revoked", reason: "signed_out" });
    const row = this.#withNotes(found.row);
    if (row.status === "revoked")
      return this.#forget(id, { kind: "revoked", reason: row.reason ?? "revoked" });
    const live = known ?? this.#unlock(row);
    if (live === undefined) return { kind: "damaged", row };
    if (isMoved(live.row, row)) live.stamp++;
    live.row = row;
    live.version = version;
    if (known === undefined) this.#lives.set(id, live);
    return this.#judge(row, live);
  }

  /** Forgets sessions, and every judgement about them. */
  drop(ids: Iterable<string>): void {
    for (const id of ids) {
      this.#lives.delete(id);
      this.#upstream.delete(id);
    }
  }

  dropWhere(test: (row: SessionRow) => boolean): void {
    this.#lives.deleteWhere((live) => {
      if (!test(live.row)) return false;
      this.#upstream.delete(live.row.id);
      return true;
    });
  }

  /** Notes a use: last seen and address, stored within a second or so. */
  noteUse(live: Live, { address }: Presenter): void {
    const { limits, times } = this.#context;
    const atMs = times.wall();
    const endsAtMs = Math.min(live.row.absExpMs, atMs + limits[live.row.kind].idleMs);
    live.row = { ...live.row, lastSeenMs: atMs, ipLast: address, endsAtMs };
    this.#note(live.row.id).seen = { atMs, ip: address, endsAtMs };
  }

  /** Notes what a presented generation taught; judgements are renewed. */
  noteRotation(live: Live, rotation: Rotation): void {
    live.row = { ...live.row, rotation };
    live.stamp++;
    this.#note(live.row.id).rotation = rotation;
  }

  /** Notes that PocketBase has just accepted the session's upstream token. */
  noteChecked(live: Live, checkedMs: number): void {
    live.row = { ...live.row, upCheckedMs: checkedMs };
    this.#note(live.row.id).checkedMs = checkedMs;
  }

  /**
   * What this process has just stored of a rotation, compared and swapped: holds for whoever is still held. `token` is the
   * upstream token that came with it.
   */
  rotated(live: Live, changes: Partial<SessionRow>, token: string | undefined): void {
    const { id } = live.row;
    if (this.#lives.get(id) !== live) return;
    live.row = { ...live.row, ...changes };
    live.stamp++;
    live.probeAgainMs = 0;
    // What was learnt about the generation before went into this one.
    delete this.#notes.get(id)?.rotation;
    if (token !== undefined) this.#keepUpstream(id, token);
  }

  /** Writes notes to the store; those of a busy store stay for the next time. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#notes.size === 0) return;
    const isWritten = this.#context.store.writeLazily((sessions) => {
      for (const [id, { rotation, seen, checkedMs }] of this.#notes) {
        if (rotation !== undefined) sessions.note(id, rotation);
        if (seen !== undefined) sessions.touch(id, seen);
        if (checkedMs !== undefined) sessions.writeChecked(id, checkedMs);
      }
    });
    if (isWritten) this.#notes.clear();
    else this.#schedule();
  }

  /** The upstream token in the clear, kept for five minutes; undefined when the session has ended or its blob is gone. */
  upstreamToken(id: string): string | undefined {
    const kept = this.#upstream.get(id);
    const nowMs = this.#context.times.monotonic();
    if (kept !== undefined && nowMs < kept.untilMs) return kept.token;
    const found = this.#context.store.read((sessions) => sessions.read(id));
    // A sign-out everywhere is a mark and changes no row.
    if (found === undefined || found.isCovered || found.row.status === "revoked") return undefined;
    return this.#openUpstream(found.row);
  }

  forgetUpstream(id: string): void {
    this.#upstream.delete(id);
  }

  #openUpstream(row: SessionRow): string | undefined {
    const token = this.#context.vault.open(placeOf(row, "up"), row.upEnc)?.toString("utf8");
    if (token === undefined) return undefined;
    this.#keepUpstream(row.id, token);
    return token;
  }

  #keepUpstream(id: string, token: string): void {
    this.#upstream.set(id, { token, untilMs: this.#context.times.monotonic() + UPSTREAM_KEPT_MS });
  }

  #judge(row: SessionRow, live: Live): Loaded {
    const { times, limits } = this.#context;
    const latestMs = times.latest();
    const isOver = latestMs >= row.absExpMs || latestMs >= row.upExpMs;
    const isIdle = times.earliest() - row.lastSeenMs >= limits[row.kind].idleMs;
    return isOver || isIdle ? { kind: "expired" } : { kind: "live", live };
  }

  #unlock(row: SessionRow): Live | undefined {
    const sessionKey = this.#context.vault.open(placeOf(row, "sk"), row.skEnc);
    if (sessionKey === undefined || this.#openUpstream(row) === undefined) return undefined;
    const { id, cid, uid, kind, createdMs, authTimeMs, amr, jkt, appId } = row;
    const session = { id, cid, uid, kind, createdMs, authTimeMs, amr, jkt, appId };
    const never = Number.NEGATIVE_INFINITY;
    const times = { probeAgainMs: 0, staleLoggedMs: never, askedMs: never };
    return { session, sessionKey, row, version: Number.NaN, stamp: 0, ...times };
  }

  #withNotes(row: SessionRow): SessionRow {
    const note = this.#notes.get(row.id);
    if (note === undefined) return row;
    const { rotation, seen, checkedMs } = note;
    const isNewer = rotation?.gen === row.rotation.gen && row.rotation.confirmedAtMs === undefined;
    return {
      ...row,
      ...(isNewer && rotation !== undefined ? { rotation } : {}),
      ...(checkedMs === undefined ? {} : { upCheckedMs: checkedMs }),
      ...(seen === undefined ? {} : { lastSeenMs: Math.max(row.lastSeenMs, seen.atMs) }),
    };
  }

  #forget(id: string, loaded: Loaded): Loaded {
    this.drop([id]);
    return loaded;
  }

  #note(id: string): Note {
    const known = this.#notes.get(id);
    if (known !== undefined) return known;
    const note: Note = {};
    this.#notes.set(id, note);
    if (this.#notes.size > NOTES_MAX) this.#flushQuietly();
    else this.#schedule();
    return note;
  }

  // Notes are telemetry: a store that does not work loses them, and requests that need it say so themselves.
  #flushQuietly(): void {
    try {
      this.flush();
    } catch {
      this.#notes.clear();
    }
    if (this.#notes.size > NOTES_MAX) this.#notes.clear();
  }

  #schedule(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flushQuietly();
    }, NOTES_EVERY_MS);
    this.#timer.unref();
  }
}

const isMoved = (before: SessionRow, now: SessionRow): boolean =>
  before.epoch !== now.epoch ||
  before.rotation.gen !== now.rotation.gen ||
  before.rotation.confirmedAtMs !== now.rotation.confirmedAtMs;

/** Whether an event from another process changes what is known about a session here. */
export const changesSession = ({ type }: StoredEvent): boolean =>
  type.startsWith("session_") || type === "generation_ahead" || type === "token_alternation";
