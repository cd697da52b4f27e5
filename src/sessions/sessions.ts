// The session service: opens, resolves, refreshes, lists and ends sessions. Speaks neither HTTP nor PocketBase.

import { Consequences } from "./consequences.ts";
import type { Presenter } from "./device.ts";
import { Ending, type EndingNote, type Selection } from "./ending.ts";
import { EventFlow } from "./eventFlow.ts";
import type { ChainCheck } from "./eventLog.ts";
import type { EventPage, EventQuery } from "./eventReader.ts";
import type { SessionEvent, StoredEvent } from "./eventRow.ts";
import { type Introspection, introspect } from "./introspection.ts";
import { KeyKeeper } from "./keyKeeper.ts";
import { changesSession, LiveSessions, type Session } from "./liveSessions.ts";
import { type OpenRequest, type OpenVerdict, openSession } from "./opening.ts";
import { type NewUpstream, Refresher, type RefreshOutcome } from "./refresher.ts";
import { Resolver } from "./resolver.ts";
import type { RootKey } from "./rootKey.ts";
import { type SessionContext, sidOf } from "./sessionContext.ts";
import type { PageQuery, SessionPage } from "./sessionPages.ts";
import type { AskedQuestion, SessionsOptions, SessionView } from "./sessionsOptions.ts";
import type { SubjectKey } from "./sessionTable.ts";
import { mintToken, proofOf } from "./token.ts";
import { UpstreamCheck } from "./upstreamCheck.ts";
import type { Verdict } from "./verdict.ts";

const FILE_TOKEN_SECONDS = 120;
const ASKED_SHARE_MAX = 0.1;

/** Methods that read are synchronous where they can be; all throw StoreUnavailable when the store does not work. */
export class Sessions {
  readonly #context: SessionContext;
  readonly #lives: LiveSessions;
  readonly #ending: Ending;
  readonly #upstream: UpstreamCheck;
  readonly #resolver: Resolver;
  readonly #refresher: Refresher;
  readonly #flow: EventFlow;
  /** The keys, for operators. */
  readonly keys: KeyKeeper;

  constructor(context: SessionContext, options: SessionsOptions) {
    const { cacheMax = 50_000, probe, probesMax = 16, onEnded = () => undefined } = options;
    this.#context = context;
    const lives = new LiveSessions(context, cacheMax);
    const ending = new Ending(context, { lives, onEnded });
    const upstream = new UpstreamCheck(context, { lives, ending, probe, concurrencyMax: probesMax });
    const listen = (): void => this.listen();
    const consequences = new Consequences(context, lives, ending);
    const resolver = new Resolver(context, { lives, consequences, upstream, listen, cacheMax });
    this.#resolver = resolver;
    this.#refresher = new Refresher(context, { lives, resolver, consequences });
    [this.#lives, this.#ending, this.#upstream] = [lives, ending, upstream];
    this.keys = new KeyKeeper(context, {
      onChange: () => this.#reloadKeys(),
      onRevoked: (kid) => this.#endSignedBy(kid),
    });
    const { times, warn } = context;
    const record = (event: SessionEvent): Promise<void> => this.record(event);
    this.#flow = new EventFlow({ record, warn, monotonic: () => times.monotonic() });
  }

  /** The root key, for other labels than the ones used here. */
  get root(): RootKey {
    return this.#context.root;
  }

  /** Opens a session after a login; see {@link OpenVerdict}. On disk when it resolves. */
  open(request: OpenRequest): Promise<OpenVerdict> {
    return openSession(this.#context, { lives: this.#lives, request });
  }

  /**
   * Who presents this token? One map look-up for a token that was seen in the last minute. A promise only when
   * something must be stored (a replay, a healed generation) or PocketBase asked first.
   */
  resolve(token: string, presenter: Presenter): Verdict | Promise<Verdict> {
    return this.#resolver.resolve(token, presenter);
  }

  /**
   * Rolls a session. Call it after PocketBase has accepted its own auth-refresh with {@link upstreamToken}, and hand
   * over the token of that answer; when PocketBase refused (401, 403), {@link revoke} instead; when it could not be
   * asked, do neither.
   */
  refresh(token: string, presenter: Presenter, upstream?: NewUpstream): Promise<RefreshOutcome> {
    return this.#refresher.refresh(token, presenter, upstream);
  }

  /** PocketBase has accepted its own refresh of a session. @param atMs - When it had not been asked yet; monotonic ms. */
  noteAsked({ id }: Pick<Session, "id">, atMs: number): void {
    const found = this.#lives.find(id);
    if (found.kind === "live") found.live.askedMs = atMs;
  }

  /**
   * Whether PocketBase has accepted a refresh of a session that it was asked for since a moment (monotonic ms), and within
   * the last while. That while is no longer than a tenth of a token's life: it is what a refresh may fail to add to it.
   */
  wasAsked({ id }: Pick<Session, "id">, { sinceMs, withinMs }: AskedQuestion): boolean {
    const found = this.#lives.find(id);
    if (found.kind !== "live") return false;
    const { askedMs, row } = found.live;
    const ageMs = this.#context.times.monotonic() - askedMs;
    return askedMs >= sinceMs && ageMs <= Math.min(withinMs, row.ttlMs * ASKED_SHARE_MAX);
  }

  /** PocketBase's token of a session, for the Authorization header of one upstream request; undefined when it ended. */
  upstreamToken(session: Pick<Session, "id">): string | undefined {
    return this.#lives.upstreamToken(session.id);
  }

  /** A token for `?token=` on file URLs: lasts 120 s and ends with its session. Undefined when that is gone. */
  mintFileToken(session: Pick<Session, "id">): string | undefined {
    const found = this.#lives.find(session.id);
    if (found.kind !== "live") return undefined;
    const { row, sessionKey } = found.live;
    const iat = Math.floor(this.#context.times.wall() / 1000);
    const exp = Math.min(iat + FILE_TOKEN_SECONDS, Math.floor(row.absExpMs / 1000));
    const [sid, jti, gen] = [sidOf(sessionKey), proofOf(sessionKey, "file", iat), row.rotation.gen];
    const ids = { id: row.uid, collectionId: row.cid, sid, jti, jkt: row.jkt };
    const claims = { ...ids, type: "file", exp, iat, gen, refreshable: false } as const;
    return mintToken(claims, this.#context.keys.ring().signing, this.#context.store.instance);
  }

  /** Who a file token was made for; never `stale`. */
  async resolveFileToken(token: string): Promise<Verdict> {
    const verified = await this.#resolver.verify(token, "file");
    if (!("live" in verified)) return verified;
    return { kind: "live", session: verified.live.session, standing: "current" };
  }

  /** Ends sessions; see {@link Ending.revoke}. Acknowledge (204) only after it resolves. */
  revoke(selection: Selection, note: EndingNote): Promise<number> {
    return this.#ending.revoke(selection, note);
  }

  /** Live sessions of a record, last seen first; with an empty `uid` of a collection, with both empty all. Page: 1 000. */
  list(subject: SubjectKey, { currentId = "", offset = 0 } = {}): SessionView[] {
    const nowMs = this.#context.times.latest();
    return this.#context.store
      .read((sessions) => sessions.list(subject, offset))
      .filter(({ endsAtMs }) => endsAtMs > nowMs)
      .map(({ id, kind, cid, uid, label, ipLast: ip, createdMs, lastSeenMs, amr }) => {
        return { id, isCurrent: id === currentId, kind, cid, uid, label, ip, createdMs, lastSeenMs, amr };
      });
  }

  /** A page of live sessions for operators, newest first. */
  page(query: PageQuery): SessionPage {
    return this.#context.store.readPages((pages) => pages.list(query, this.#context.times.latest()));
  }

  /** Whether a session that was resolved a moment ago still lives; a map look-up. @throws StoreUnavailable */
  isLive(session: Pick<Session, "id">): boolean {
    return this.#lives.find(session.id).kind === "live";
  }

  /** Whether a token counts, without using it; see {@link introspect}. */
  introspect(token: string): Promise<Introspection | undefined> {
    const parts = { lives: this.#lives, resolver: this.#resolver, upstream: this.#upstream };
    return introspect(this.#context, parts, token);
  }

  /** Asks PocketBase about every session of a record, as after a write to it; the dead are ended when it resolves. */
  checkRecord(subject: SubjectKey): Promise<void> {
    return this.#upstream.checkRecord(subject);
  }

  /** Whether PocketBase says now that it takes a session's token; false also when it cannot be asked. May reject. */
  confirm(session: Pick<Session, "id">): Promise<boolean> {
    return this.#upstream.confirm(session.id);
  }

  /**
   * After a change of a collection: none of its sessions is used again before PocketBase was asked about it. That holds
   * when it resolves, and survives a restart; unused ones are asked about in the background, for five minutes.
   */
  checkCollection(cid: string): Promise<{ readonly swept: Promise<number> }> {
    return this.#upstream.checkCollection(cid);
  }

  /** As {@link checkCollection}, but nobody is asked about what nobody uses. */
  doubtCollection(cid: string): Promise<void> {
    return this.#upstream.doubtCollection(cid);
  }

  /** Adds an event of the caller's; durable when it resolves. */
  async record(event: SessionEvent): Promise<void> {
    await this.#context.store.write((tx) => tx.append(event));
  }

  /** Adds an event that strangers cause: bounded per second, never waited for. */
  note(event: SessionEvent): void {
    this.#flow.note(event);
  }

  events(query: EventQuery): StoredEvent[] {
    return this.#context.store.events(query);
  }

  /** A page of events, newest first; a long log is searched in pieces until `signal` aborts. */
  searchEvents(query: EventQuery, signal?: AbortSignal): Promise<EventPage> {
    return this.#context.store.searchEvents(query, signal);
  }

  /** Whether the event log was tampered with. */
  checkEvents(): Promise<ChainCheck> {
    return this.#context.store.checkEvents();
  }

  /** Takes a one-time name (OAuth code, proof id); false when it was taken before. Durable; kept until `expMs`. */
  takeOnce(hash: string, expMs: number): Promise<boolean> {
    return this.#context.store.write((tx) => tx.sessions.takeOnce(hash, expMs));
  }

  /** Hears of other processes' changes; happens by itself with every request, at most four times a second. */
  listen(): void {
    for (let news = this.#context.store.news(); news.length > 0; news = this.#context.store.news()) {
      for (const event of news) this.#hear(event);
    }
  }

  /** Stores what is only noted in memory (last seen, confirmations); happens by itself every second. */
  flush(): void {
    this.#lives.flush();
  }

  /** Deletes what has ended; call it every hour or so. Returns how many sessions went. */
  sweep(): Promise<number> {
    return this.#context.store.sweep(this.#context.times.earliest());
  }

  /** Stores what is noted and closes the database. */
  close(): void {
    this.#flow.close();
    try {
      this.#lives.flush();
    } finally {
      this.#context.store.close();
    }
  }

  #reloadKeys(): void {
    this.#context.keys.reload(this.#context.store);
    this.#resolver.clear();
  }

  #endSignedBy(kid: string): void {
    this.#ending.revokeSignedBy(kid).catch((error: unknown) => {
      this.#context.warn(`Sessions of a revoked key could not be ended: ${String(error)}`);
    });
  }

  #hear(event: StoredEvent): void {
    const { type, session, cid, uid, detail } = event;
    const reason = detail ?? type;
    if (type === "key_rotated" || type === "key_revoked") this.#reloadKeys();
    // The key's id is the first word.
    if (type === "key_revoked" && detail !== undefined) this.#endSignedBy(detail.split(" ", 1)[0] ?? "");
    if (type === "sessions_revoked") {
      this.#lives.dropWhere((row) => cid === undefined || row.cid === cid);
      this.#ending.announce({ ids: [], cid, uid, reason });
    }
    if (type === "logins_due" && cid !== undefined) this.#upstream.hearOfDue(cid);
    if (session === undefined || !changesSession(event)) return;
    this.#lives.drop([session]);
    if (type === "session_revoked") this.#ending.announce({ ids: [session], cid, uid, reason });
  }
}
