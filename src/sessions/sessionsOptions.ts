// What the session service is built from, and what it shows. Types only.
import type { Probe } from "./probes.ts";
import type { CrashPoint, Ended, SessionLimits } from "./sessionContext.ts";
import type { SessionKind } from "./sessionRow.ts";
import type { Clock, RandomSource } from "./sources.ts";

export interface SessionsOptions {
  /** Folder of `sessions.db` and, without `rootKeyText`, of `hapta.root`; must exist. */
  readonly dataDir: string;
  /** `HAPTA_ROOT_KEY`. */
  readonly rootKeyText?: string | undefined;
  /** Number of this node, for the event log. */
  readonly node?: number;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** `Security.Rotation.Grace` in ms, 10 000 to 300 000; 60 000 if not given. */
  readonly graceMs?: number;
  /** Whether records may only log in with a key (`Security.DPoP: "required"`); false if not given. */
  readonly requiresKey?: boolean;
  readonly limits?: Partial<Readonly<Record<SessionKind, SessionLimits>>>;
  /** Asks PocketBase about an upstream token; without it sessions are never checked upstream. */
  readonly probe?: Probe;
  /** Probes under way at once; 16 if not given. */
  readonly probesMax?: number;
  /** Told once what the operator should know: repaired modes, events that could not be stored. */
  readonly warn: (message: string) => void;
  /** Sessions ended, here or in another process on the same file: cut their streams, drop their answers. */
  readonly onEnded?: (ended: Ended) => void;
  /** Verified tokens and unlocked sessions kept in memory, each; 50 000 if not given (about 1.5 KB apiece). */
  readonly cacheMax?: number;
  /** Longest pause between two disk syncs; 4 ms if not given. */
  readonly commitPauseMaxMs?: number;
  /** How long a write waits for another process; 2 000 ms if not given. */
  readonly busyTimeoutMs?: number;
  /** Events kept at most, about; a million if not given. */
  readonly eventsMax?: number | undefined;
  /** How long events are kept, in ms; 90 days if not given. */
  readonly eventsKeptMs?: number | undefined;
  readonly atPoint?: (point: CrashPoint) => void;
}

/** A session as its owner sees it. */
export interface SessionView {
  readonly id: string;
  readonly isCurrent: boolean;
  readonly kind: SessionKind;
  readonly cid: string;
  readonly uid: string;
  /** Such as `Chrome on Windows`. */
  readonly label: string;
  readonly ip: string;
  readonly createdMs: number;
  readonly lastSeenMs: number;
  readonly amr: string;
}

/** Which word of PocketBase's is good enough. */
export interface AskedQuestion {
  readonly sinceMs: number;
  readonly withinMs: number;
}
