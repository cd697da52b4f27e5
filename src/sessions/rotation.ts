// The rotation machine: what a presented generation means for a session, and how the session changes. Pure
// functions over values; they neither read a clock nor store anything. See also replay.ts for judging devices.
import type { DeviceKey } from "./device.ts";
import { type Comparison, compareDevice } from "./replay.ts";

/** A generation that was replaced. */
export interface Superseded {
  readonly gen: number;
  /** When its successor was first presented; its grace runs from here. Steady Unix ms. */
  readonly atMs: number;
  /** Who presented the successor first. */
  readonly by: DeviceKey;
}

/** The rotating part of a session. */
export interface Rotation {
  /** The generation in force, from 1. */
  readonly gen: number;
  /** When `gen` was first presented; undefined: its minting answer may have been lost. */
  readonly confirmedAtMs: number | undefined;
  /** Who asked for `gen`. */
  readonly minter: DeviceKey;
  /** Newest first; at most 32, none older than the longest re-sync. */
  readonly history: readonly Superseded[];
  /** The did the family has presented; once there is one, missing it is suspicious. */
  readonly familyDid: string | undefined;
  /** A confidential app has used the session: several honest devices share it. */
  readonly isMixed: boolean;
  /** In a mixed session: the devices that presented a current generation; at most 16. */
  readonly seen: readonly DeviceKey[];
  /** When the session last changed between networks in a way that two holders would cause. At most `alternationsMax`. */
  readonly alternationsMs: readonly number[];
}

/** What is fixed for all sessions of a kind. */
export interface RotationRules {
  /** How long a superseded generation still serves after its successor was first used. */
  readonly graceMs: number;
  /** How long the predecessor, or any generation on the same did, may fetch the current token. */
  readonly resyncMs: number;
  /** The same for older generations without a did. */
  readonly resyncOldMs: number;
  /** This many changes between networks within `resyncMs` are two holders. */
  readonly alternationsMax: number;
  /** No re-sync: every use after the grace ends the session (superusers). */
  readonly isStrict: boolean;
}

/** The rules of ordinary sessions. */
export const BALANCED_RULES: RotationRules = {
  graceMs: 60_000,
  resyncMs: 86_400_000,
  resyncOldMs: 600_000,
  alternationsMax: 6,
  isStrict: false,
};

/** A verified token as it was presented. */
export interface Presented {
  readonly gen: number;
  /** Its `iat` in ms: it was superseded no earlier. */
  readonly issuedAtMs: number;
  readonly device: DeviceKey;
}

/** When and by which rules. `nowMs` is steady Unix time. */
export interface Moment {
  readonly nowMs: number;
  readonly rules: RotationRules;
}

/** Why a family is ended. */
export type ReplayReason = "token_replay" | "fork" | "pingpong";

/** What an ordinary request may do. `next` is the changed session, to be stored. */
export type UseVerdict =
  | { readonly kind: "current"; readonly next?: Rotation }
  /** The successor was never used: this one serves without time limit. */
  | { readonly kind: "predecessor" }
  | { readonly kind: "grace"; readonly leftMs: number }
  /** Newer than the stored session: on a fresh row the store has lost a write. */
  | { readonly kind: "ahead" }
  /** Not accepted, but nothing proves a thief: the store of an honest client may go backwards. */
  | { readonly kind: "stale"; readonly comparison: Comparison }
  | { readonly kind: "revoke"; readonly reason: ReplayReason };

/** What a refresh may do. `advance`: store `next` if nobody was faster; `reissue`: the current token, same bytes. */
export type RefreshVerdict =
  | { readonly kind: "advance"; readonly next: Rotation; readonly isAlternation: boolean }
  | { readonly kind: "reissue"; readonly next?: Rotation }
  | { readonly kind: "ahead" }
  | { readonly kind: "revoke"; readonly reason: ReplayReason };

const HISTORY_MAX = 32;
const SEEN_MAX = 16;

/** The session a login opens. */
export const firstRotation = (device: DeviceKey): Rotation => ({
  gen: 1,
  confirmedAtMs: undefined,
  minter: device,
  history: [],
  familyDid: device.did,
  isMixed: isApp(device),
  seen: isApp(device) ? [device] : [],
  alternationsMs: [],
});

/** Judges an ordinary request (rules 1 to 5). */
export const judgeUse = (rotation: Rotation, presented: Presented, moment: Moment): UseVerdict => {
  const standing = standingOf(rotation, presented, moment);
  switch (standing.kind) {
    case "current": {
      const next = confirm(rotation, presented.device, moment);
      return next === rotation ? { kind: "current" } : { kind: "current", next };
    }
    case "predecessor":
    case "grace":
    case "ahead":
      return standing;
    case "stale": {
      const comparison = compareDevice(rotation, presented.device, standing.successor);
      if (moment.rules.isStrict || comparison === "diff") return { kind: "revoke", reason: "token_replay" };
      return { kind: "stale", comparison };
    }
    default:
      return standing satisfies never;
  }
};

/** Judges an auth-refresh. Never answers "stale": an honest client would be logged out by it. */
export const judgeRefresh = (rotation: Rotation, presented: Presented, moment: Moment): RefreshVerdict => {
  const standing = standingOf(rotation, presented, moment);
  switch (standing.kind) {
    case "current":
      return advance(confirm(rotation, presented.device, moment), presented.device);
    case "ahead":
      return standing;
    case "predecessor":
    case "grace":
      return judgeReissue(rotation, presented, moment);
    case "stale":
      return judgeResync(rotation, presented, { ...moment, standing });
    default:
      return standing satisfies never;
  }
};

/** The session after its own newer token was presented: the store had lost a write (crash, restored backup). */
export const fastForward = (rotation: Rotation, gen: number, { nowMs, rules }: Moment): Rotation => {
  const by = rotation.minter;
  const lost = gen - 1 > rotation.gen ? [{ gen: gen - 1, atMs: nowMs, by }] : [];
  const history = [...lost, { gen: rotation.gen, atMs: nowMs, by }, ...rotation.history];
  return { ...rotation, gen, confirmedAtMs: undefined, history: prune(history, nowMs, rules) };
};

type Standing =
  | { readonly kind: "current" }
  | { readonly kind: "predecessor" }
  | { readonly kind: "grace"; readonly leftMs: number }
  | { readonly kind: "ahead" }
  | Stale;

interface Stale {
  readonly kind: "stale";
  /** At most this long ago the successor was first used. */
  readonly agoMs: number;
  readonly isPredecessor: boolean;
  /** Who used the successor first. */
  readonly successor: DeviceKey;
}

const standingOf = (
  rotation: Rotation,
  { gen, issuedAtMs }: Presented,
  { nowMs, rules }: Moment,
): Standing => {
  if (gen === rotation.gen) return { kind: "current" };
  if (gen > rotation.gen) return { kind: "ahead" };
  if (gen === rotation.gen - 1 && rotation.confirmedAtMs === undefined) return { kind: "predecessor" };
  const newest = rotation.history[0];
  const entry = rotation.history.find((past) => past.gen === gen);
  // A clock that stepped makes times of the future: they count as far away, never as recent. A generation that is
  // not in the list any more was superseded after it was issued, which bounds its age.
  const agoMs = Math.abs(nowMs - (entry?.atMs ?? issuedAtMs));
  if (agoMs <= rules.graceMs) return { kind: "grace", leftMs: rules.graceMs - agoMs };
  const successor = entry?.by ?? newest?.by ?? rotation.minter;
  return { kind: "stale", agoMs, isPredecessor: entry !== undefined && entry === newest, successor };
};

const confirm = (rotation: Rotation, device: DeviceKey, { nowMs, rules }: Moment): Rotation => {
  const known = meet(rotation, device);
  if (rotation.confirmedAtMs !== undefined) return known;
  const by = remembered(known, device);
  const before = rotation.gen - 1;
  const isListed = before < 1 || rotation.history[0]?.gen === before;
  const history = isListed ? rotation.history : [{ gen: before, atMs: nowMs, by }, ...rotation.history];
  return { ...known, confirmedAtMs: nowMs, history: prune(history, nowMs, rules) };
};

/** A device as the family remembers it: when the family has a did, its absence says something. */
const remembered = ({ familyDid }: Rotation, device: DeviceKey): DeviceKey =>
  familyDid !== undefined && device.did === undefined ? { ...device, did: "" } : device;

/** Notes what a presenter of the current generation teaches about the family. */
const meet = (rotation: Rotation, device: DeviceKey): Rotation => {
  let next = rotation;
  if (next.familyDid === undefined && device.did !== undefined) next = { ...next, familyDid: device.did };
  if (!next.isMixed && isApp(device)) {
    const earlier = [next.minter, ...next.history.map((past) => past.by)];
    next = { ...next, isMixed: true, seen: earlier.reduce(addSeen, []) };
  }
  if (!next.isMixed) return next;
  const seen = addSeen(next.seen, device);
  return seen === next.seen ? next : { ...next, seen };
};

const addSeen = (seen: readonly DeviceKey[], device: DeviceKey): readonly DeviceKey[] =>
  seen.some((one) => isSameKey(one, device)) ? seen : [device, ...seen].slice(0, SEEN_MAX);

const isSameKey = (one: DeviceKey, other: DeviceKey): boolean =>
  one.did === other.did && one.platform === other.platform && one.network === other.network;

const isApp = (device: DeviceKey): boolean => device.platform.startsWith("app:");

const advance = (rotation: Rotation, minter: DeviceKey, isAlternation = false): RefreshVerdict => ({
  kind: "advance",
  next: {
    ...rotation,
    gen: rotation.gen + 1,
    confirmedAtMs: undefined,
    minter: remembered(rotation, minter),
  },
  isAlternation,
});

/** A refresh with a token that is still accepted although newer ones exist. */
const judgeReissue = (rotation: Rotation, { device }: Presented, moment: Moment): RefreshVerdict => {
  const comparison = compareDevice(rotation, device, rotation.minter);
  if (comparison === "diff") return { kind: "revoke", reason: "fork" };
  if (comparison === "same") return { kind: "reissue" };
  const next = alternate(rotation, moment);
  return next === undefined ? { kind: "revoke", reason: "pingpong" } : { kind: "reissue", next };
};

/** A refresh with a token that is past its grace: fetch the current one, branch off, or end the family. */
const judgeResync = (
  rotation: Rotation,
  { device }: Presented,
  moment: Moment & { readonly standing: Stale },
): RefreshVerdict => {
  const { rules, standing } = moment;
  const replay: RefreshVerdict = { kind: "revoke", reason: "token_replay" };
  const comparison = compareDevice(rotation, device, standing.successor);
  if (rules.isStrict || comparison === "diff") return replay;
  const isSure = comparison === "same" && (rotation.isMixed || device.did !== undefined);
  const limitMs = standing.isPredecessor || isSure ? rules.resyncMs : rules.resyncOldMs;
  if (standing.agoMs > limitMs) return replay;
  if (comparison === "same") return { kind: "reissue" };
  const next = alternate(rotation, moment);
  return next === undefined ? { kind: "revoke", reason: "pingpong" } : advance(next, device, true);
};

/** The session with one alternation more; undefined when that is one too many. */
const alternate = (rotation: Rotation, { nowMs, rules }: Moment): Rotation | undefined => {
  const recent = rotation.alternationsMs.filter((atMs) => Math.abs(nowMs - atMs) <= rules.resyncMs);
  if (recent.length + 1 >= rules.alternationsMax) return undefined;
  return { ...rotation, alternationsMs: [nowMs, ...recent] };
};

const prune = (history: readonly Superseded[], nowMs: number, rules: RotationRules): readonly Superseded[] =>
  history.filter(({ atMs }) => nowMs - atMs <= rules.resyncMs).slice(0, HISTORY_MAX);
