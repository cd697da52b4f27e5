// A session as a value and as a row of the database. Conversions only.
import type { Rotation } from "./rotation.ts";
import { readRotation, writeRotation } from "./rotationText.ts";

/** `impersonated` tokens never rotate and know no idle time, as in PocketBase. */
export type SessionKind = "record" | "superuser" | "impersonated";

/** `superseded`: still serves until its end, but is not renewed any more. */
export type SessionStatus = "active" | "superseded" | "revoked";

/** One session. Times are Unix ms unless they say seconds. */
export interface SessionRow {
  /** Public id: 22 characters, a hash of the session's secret name. */
  readonly id: string;
  readonly cid: string;
  readonly uid: string;
  readonly kind: SessionKind;
  readonly status: SessionStatus;
  /** Grows with every change that a refresh under way must not survive. */
  readonly epoch: number;
  readonly rotation: Rotation;
  /** `iat` and `exp` of the current generation, in seconds: minting is repeatable. */
  readonly genIat: number;
  readonly genExp: number;
  readonly kid: string;
  /** How long a new generation lasts. */
  readonly ttlMs: number;
  readonly skEnc: Uint8Array;
  readonly upEnc: Uint8Array;
  readonly upExpMs: number;
  readonly upCheckedMs: number;
  readonly node: number;
  readonly createdMs: number;
  readonly lastSeenMs: number;
  readonly absExpMs: number;
  /** When the sweep may delete the row. */
  readonly endsAtMs: number;
  readonly authTimeMs: number;
  /** Authentication methods, comma-separated (RFC 8176 names). */
  readonly amr: string;
  readonly label: string;
  readonly ipFirst: string;
  readonly ipLast: string;
  readonly jkt: string | undefined;
  readonly appId: string | undefined;
  readonly revokedAtMs: number | undefined;
  readonly reason: string | undefined;
}

/** The row as SQLite gives it. */
export interface RawRow {
  readonly id: string;
  readonly cid: string;
  readonly uid: string;
  readonly kind: number;
  readonly status: number;
  readonly epoch: number;
  readonly gen: number;
  readonly gen_iat: number;
  readonly gen_exp: number;
  readonly kid: string;
  readonly confirmed_at: number | null;
  readonly trail: string;
  readonly ttl: number;
  readonly sk_enc: Uint8Array;
  readonly up_enc: Uint8Array;
  readonly up_exp: number;
  readonly up_checked: number;
  readonly node: number;
  readonly created: number;
  readonly last_seen: number;
  readonly abs_exp: number;
  readonly ends_at: number;
  readonly auth_time: number;
  readonly amr: string;
  readonly ua_label: string;
  readonly ip_first: string;
  readonly ip_last: string;
  readonly jkt: string | null;
  readonly app_id: string | null;
  readonly revoked_at: number | null;
  readonly reason: string | null;
}

const KINDS: readonly SessionKind[] = ["record", "superuser", "impersonated"];
const STATUSES: readonly SessionStatus[] = ["active", "superseded", "revoked"];

/** The stored number of a status. */
export const statusNumber = (status: SessionStatus): number => STATUSES.indexOf(status);

/** Reads a row. @throws SyntaxError when its rotation text is damaged. */
export const toSessionRow = (raw: RawRow): SessionRow => ({
  id: raw.id,
  cid: raw.cid,
  uid: raw.uid,
  kind: KINDS[raw.kind] ?? "record",
  status: STATUSES[raw.status] ?? "revoked",
  epoch: raw.epoch,
  rotation: readRotation(raw.trail, { gen: raw.gen, confirmedAtMs: raw.confirmed_at ?? undefined }),
  genIat: raw.gen_iat,
  genExp: raw.gen_exp,
  kid: raw.kid,
  ttlMs: raw.ttl,
  skEnc: raw.sk_enc,
  upEnc: raw.up_enc,
  upExpMs: raw.up_exp,
  upCheckedMs: raw.up_checked,
  node: raw.node,
  createdMs: raw.created,
  lastSeenMs: raw.last_seen,
  absExpMs: raw.abs_exp,
  endsAtMs: raw.ends_at,
  authTimeMs: raw.auth_time,
  amr: raw.amr,
  label: raw.ua_label,
  ipFirst: raw.ip_first,
  ipLast: raw.ip_last,
  jkt: raw.jkt ?? undefined,
  appId: raw.app_id ?? undefined,
  revokedAtMs: raw.revoked_at ?? undefined,
  reason: raw.reason ?? undefined,
});

/** The row for SQLite; times are rounded to whole ms. */
export const toRawRow = (row: SessionRow): RawRow => ({
  id: row.id,
  cid: row.cid,
  uid: row.uid,
  kind: KINDS.indexOf(row.kind),
  status: statusNumber(row.status),
  epoch: row.epoch,
  gen: row.rotation.gen,
  gen_iat: row.genIat,
  gen_exp: row.genExp,
  kid: row.kid,
  confirmed_at: confirmedNumber(row.rotation),
  trail: writeRotation(row.rotation),
  ttl: Math.round(row.ttlMs),
  sk_enc: row.skEnc,
  up_enc: row.upEnc,
  up_exp: Math.round(row.upExpMs),
  up_checked: Math.round(row.upCheckedMs),
  node: row.node,
  created: Math.round(row.createdMs),
  last_seen: Math.round(row.lastSeenMs),
  abs_exp: Math.round(row.absExpMs),
  ends_at: Math.round(row.endsAtMs),
  auth_time: Math.round(row.authTimeMs),
  amr: row.amr,
  ua_label: row.label,
  ip_first: row.ipFirst,
  ip_last: row.ipLast,
  jkt: row.jkt ?? null,
  app_id: row.appId ?? null,
  revoked_at: row.revokedAtMs ?? null,
  reason: row.reason ?? null,
});

/** `confirmed_at` of a rotation: whole ms or null. */
export const confirmedNumber = ({ confirmedAtMs }: Rotation): number | null =>
  confirmedAtMs === undefined ? null : Math.round(confirmedAtMs);
