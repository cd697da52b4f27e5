// Opening a session after PocketBase has accepted a login. Always a new family; whatever it replaces runs out.
import { labelOf, type Presenter, toDevice } from "./device.ts";
import type { LiveSessions, Session } from "./liveSessions.ts";
import { firstRotation } from "./rotation.ts";
import { mintRow, placeOf, publicIdOf, type SessionContext, sidOf, spanOf } from "./sessionContext.ts";
import type { SessionKind, SessionRow } from "./sessionRow.ts";
import type { SubjectKey } from "./sessionTable.ts";
import type { StoreTx } from "./storeWriter.ts";

/** A login PocketBase has accepted. */
export interface OpenRequest {
  readonly cid: string;
  readonly uid: string;
  readonly kind: SessionKind;
  /** PocketBase's token and its end; it is locked at once and never leaves Hapta. */
  readonly upstream: { readonly token: string; readonly expMs: number };
  readonly presenter: Presenter;
  /** When the login was sent to PocketBase (wall ms). A sign-out everywhere that came later wins. */
  readonly authTimeMs: number;
  /** Authentication methods (RFC 8176 names), comma-separated, such as `pwd` or `pwd,otp`. */
  readonly amr: string;
  /** Thumbprint of the client's key, to bind the session to it. */
  readonly jkt?: string | undefined;
  /** Id of the app that signed the login, of any kind. */
  readonly appId?: string | undefined;
  /** Record id of the superuser who impersonates: the session ends with that superuser's logins. */
  readonly maker?: string | undefined;
  /** Session of a token that came along: it runs out after the grace. */
  readonly replaces?: string | undefined;
  /** Request id, for the event log. */
  readonly request?: string | undefined;
}

/** `revoked`: the record's sessions were ended while the login was under way, or it has no key where one is required. */
export type OpenVerdict =
  | { readonly kind: "opened"; readonly token: string; readonly expMs: number; readonly session: Session }
  | { readonly kind: "revoked" };

/** A sign-out counts against logins that began at most this long before it; a stepped clock must not lock out. */
const IN_FLIGHT_MS = 60_000;

/**
 * Opens a session and returns its first token. When it resolves, the session is on disk.
 *
 * @throws StoreUnavailable when it could not be stored: no token may leave then.
 */
export const openSession = async (
  context: SessionContext,
  { lives, request }: { readonly lives: LiveSessions; readonly request: OpenRequest },
): Promise<OpenVerdict> => {
  if (context.requiresKey && request.kind === "record" && request.jkt === undefined)
    return { kind: "revoked" };
  const sessionKey = Buffer.from(context.random(32));
  const sid = sidOf(sessionKey);
  const draft = draftRow(context, request, { sessionKey, id: publicIdOf(sid) });
  const extendedMs = context.keys.extensionFor(draft.genExp * 1000);
  const outcome = await context.store.write((tx) => {
    const markMs = tx.sessions.notBefore(draft);
    const sinceMs = markMs - request.authTimeMs;
    if (sinceMs >= 0 && sinceMs < IN_FLIGHT_MS) return undefined;
    // After a mark of the future (the clock was set back) new sessions must still live.
    const row = { ...draft, createdMs: Math.max(Math.round(draft.createdMs), markMs + 1) };
    const ended = makeRoom(context, tx, { row, replaces: request.replaces });
    tx.sessions.insert(row);
    if (request.maker !== undefined) tx.impersonations.add(request.maker, row.id);
    if (extendedMs !== undefined) tx.keys.extend(row.kid, extendedMs);
    const { id, cid, uid, label, ipFirst: ip } = row;
    tx.append({ type: "session_created", session: id, cid, uid, ip, label, request: request.request });
    return { row, ended };
  });
  if (outcome === undefined) return { kind: "revoked" };
  context.keys.extended(outcome.row.kid, extendedMs);
  lives.drop(outcome.ended);
  const minted = mintRow(context, outcome.row, { sessionKey, sid });
  if (minted === undefined) return { kind: "revoked" };
  context.atPoint?.("minted");
  const { id, cid, uid, kind, createdMs, authTimeMs, amr, jkt, appId } = outcome.row;
  const session = { id, cid, uid, kind, createdMs, authTimeMs, amr, jkt, appId };
  return { kind: "opened", token: minted.token, expMs: outcome.row.genExp * 1000, session };
};

const draftRow = (
  context: SessionContext,
  request: OpenRequest,
  { sessionKey, id }: { readonly sessionKey: Buffer; readonly id: string },
): SessionRow => {
  const { cid, uid, kind, upstream, presenter, authTimeMs, amr, jkt, appId = presenter.appId } = request;
  const { idleMs, absoluteMs } = context.limits[kind];
  const nowMs = context.times.wall();
  const absExpMs = Math.min(
    nowMs + absoluteMs,
    kind === "impersonated" ? upstream.expMs : Number.POSITIVE_INFINITY,
  );
  const ttlMs = Math.max(0, upstream.expMs - nowMs);
  const place = { id, cid, uid };
  return {
    ...place,
    kind,
    status: "active",
    epoch: 0,
    rotation: firstRotation(toDevice(presenter)),
    ...spanOf(nowMs, { ttlMs, absExpMs }),
    kid: context.keys.ring().signing.kid,
    ttlMs,
    skEnc: context.vault.seal(placeOf(place, "sk"), sessionKey),
    upEnc: context.vault.seal(placeOf(place, "up"), Buffer.from(upstream.token)),
    upExpMs: upstream.expMs,
    // PocketBase has judged it then, and what changes meanwhile may have missed its answer.
    upCheckedMs: Math.min(nowMs, authTimeMs),
    node: context.node,
    createdMs: nowMs,
    lastSeenMs: nowMs,
    absExpMs,
    endsAtMs: Math.min(absExpMs, nowMs + idleMs),
    authTimeMs,
    amr,
    label: labelOf(presenter.userAgent),
    ipFirst: presenter.address,
    ipLast: presenter.address,
    jkt,
    appId,
    revokedAtMs: undefined,
    reason: undefined,
  };
};

interface RoomOptions {
  readonly row: SessionRow;
  readonly replaces: string | undefined;
}

/** Lets the replaced session and the ones over the limit run out; returns their ids. */
const makeRoom = (context: SessionContext, tx: StoreTx, { row, replaces }: RoomOptions): string[] => {
  const subject: SubjectKey = { cid: row.cid, uid: row.uid };
  const { perRecordMax } = context.limits[row.kind];
  const nowMs = context.times.wall();
  const endMs = nowMs + context.rulesOf(row.kind).graceMs;
  const supersede = (id: string, reason: string): boolean => {
    if (!tx.sessions.supersede(id, { endMs, reason })) return false;
    tx.append({ type: "session_superseded", session: id, ...subject, ip: row.ipFirst, detail: reason });
    return true;
  };
  const gone = replaces !== undefined && supersede(replaces, "login") ? [replaces] : [];
  const peers = tx.sessions
    .list(subject)
    .filter(
      ({ kind, status }) =>
        status === "active" && (kind === "impersonated") === (row.kind === "impersonated"),
    );
  for (const { id } of peers.slice(perRecordMax - 1)) if (supersede(id, "limit")) gone.push(id);
  return gone;
};
