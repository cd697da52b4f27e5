// Where realtime clients end: their names, whose they are, their bounds, and the groups they share. Speaks no HTTP.
import type { Log } from "../insight/log.ts";
import type { OpenRealtime } from "../pocketbase/realtimeStream.ts";
import { makeClientId } from "./clientId.ts";
import type { Left } from "./departed.ts";
import type { FedTopics } from "./fedTopics.ts";
import type { Group } from "./group.ts";
import { Groups } from "./groups.ts";
import type { HistoryBounds } from "./history.ts";
import { LINK_TIMES, type LinkTimes } from "./linkTimes.ts";
import { LoginStreams } from "./loginStreams.ts";
import { createIsEnded, type EndedOwners, type Logins, Owners } from "./owners.ts";
import { judgeReturn, type MayReplay, planReplay, type Return } from "./recovery.ts";
import { createSharedTopics } from "./sharedTopics.ts";
import { GUEST, maySucceed, type StreamOwner } from "./subject.ts";
import { type CloseReason, Subscriber, type SubscriberOptions } from "./subscriber.ts";
import { HUB_TIMES, type HubTimes, sweepClients } from "./sweep.ts";
import { charsOf, LOGIN_TOPIC } from "./topics.ts";
import { type Surroundings, Turns } from "./turns.ts";
import { judgeWish, type Subscribed, type Wish } from "./wish.ts";

export interface HubOptions {
  readonly open: OpenRealtime;
  readonly clientsMax: number;
  /** What may wait for one slow client. */
  readonly bufferBytesMax: number;
  /** Upstream streams for all clients together. */
  readonly upstreamsMax: number;
  readonly history: HistoryBounds;
  readonly mayReplay: MayReplay;
  /** Undefined: PocketBase decides every event on a stream of the caller's own. */
  readonly fed?: FedTopics | undefined;
  readonly sessions: Logins;
  readonly log: Log;
  readonly times?: Partial<LinkTimes & HubTimes>;
  /** What deliveries to many clients go by; this machine when absent. */
  readonly surroundings?: Surroundings;
}

/** For the topics of all clients together, in characters. */
const TOPIC_CHARS_MAX = 128 * 1024 * 1024;
/** Spread of the moments at which clients come back after a restart. */
const RETURN_MS = { from: 500, spread: 4_500 };
/** Told to PocketBase as the address of the stream that all guests share. */
const SHARED_ADDRESS = "127.0.0.1";

export class Hub {
  readonly logins: LoginStreams;
  readonly #options: HubOptions;
  readonly #times: LinkTimes & HubTimes;
  readonly #clients = new Map<string, Subscriber>();
  readonly #groups: Groups;
  readonly #owners: Owners;
  readonly #sweeper: Timer;
  readonly #keeping: SubscriberOptions;
  readonly #shareTopics = createSharedTopics();
  #topicChars = 0;

  constructor(options: HubOptions) {
    this.#options = options;
    this.#times = { ...LINK_TIMES, ...HUB_TIMES, ...options.times };
    this.logins = new LoginStreams(options.open);
    const { open, fed, upstreamsMax, history, bufferBytesMax, surroundings } = options;
    const owners = new Owners(options.sessions);
    this.#owners = owners;
    this.#keeping = { bufferBytesMax, onOver: (client, reason) => this.#forget(client, reason) };
    this.#groups = new Groups({
      open,
      fed,
      upstreamsMax,
      history,
      turns: new Turns(surroundings),
      others: () => this.logins.size,
      times: this.#times,
      credentialOf: (subject) => owners.credentialOf(subject),
    });
    this.#sweeper = setInterval(() => this.#sweep(), this.#times.sweepMs);
    this.#sweeper.unref();
  }

  /** Clients connected now. */
  get size(): number {
    return this.#clients.size;
  }

  /** Whether no further client is taken in. */
  get isFull(): boolean {
    return this.#clients.size >= this.#options.clientsMax;
  }

  /** Upstream streams shared by them now. */
  get upstreams(): number {
    return this.#groups.upstreams;
  }

  /**
   * Takes a client in; undefined when there are too many. The caller attaches its outlet.
   *
   * @param since - Where it left off, for all topics that it subscribes first.
   */
  connect(address: string, since?: string): Subscriber | undefined {
    if (this.isFull) return undefined;
    const subscriber = new Subscriber({ id: makeClientId(), address, since }, this.#keeping);
    this.#clients.set(subscriber.id, subscriber);
    return subscriber;
  }

  /**
   * Replaces the topics of a client. Resolves when they are in force at PocketBase; at once when they already were.
   *
   * @throws SubscribeRefused, UpstreamError
   */
  async subscribe(wish: Wish): Promise<Subscribed> {
    const { clientId, topics, subject } = wish;
    const client = this.#clients.get(clientId);
    if (client === undefined) return "unknown";
    const verdict = judgeWish(client, wish);
    if (verdict !== undefined) return verdict;
    if (this.#topicChars + charsOf(topics) > TOPIC_CHARS_MAX) return "crowded";
    const turn = ++client.turn;
    const group = this.#groups.of(subject);
    const shared = this.#shareTopics(topics.filter((topic) => topic !== LOGIN_TOPIC));
    if (!this.#hasRoom(client, group, topics)) return this.#turnAway(group);
    const place: Left = { group, topics: shared, subject };
    await this.#hold(client, place, shared.length < topics.length);
    const back: Return = { ...wish, group, topics: shared, sinceOf: wish.sinceOf ?? client.takeSince() };
    const allowed = await judgeReturn(back, this.#options.mayReplay);
    // Gone, overtaken by a later wish, or somebody else's meanwhile.
    if (!client.isOpen || client.turn !== turn || !maySucceed(client.subject, subject)) {
      this.#groups.release(place);
      return client.isOpen ? "done" : "unknown";
    }
    if (shared.length === topics.length) this.logins.close(client);
    if (!this.#move(client, place)) return "unknown";
    if (shared.length > 0) client.welcome(planReplay(back, allowed, this.#options.bufferBytesMax));
    return "done";
  }

  /** Takes its topics and its caller from a client, at once: what it subscribes next is judged anew, as anybody. */
  reset(client: Subscriber): void {
    client.turn++;
    this.logins.close(client);
    const left = this.#detach(client);
    if (left !== undefined) this.#groups.release(left);
  }

  /** Clients a session is subscribed on, not counting the one of `clientId`. */
  ownedBesides(sessionId: string, clientId: string): number {
    const owned = this.#owners.clientsOf(sessionId);
    return this.#clients.get(clientId)?.subject?.session?.id === sessionId ? owned - 1 : owned;
  }

  /** The sessions of a collection's records that clients are subscribed or signed in with. */
  sessionsOf(cid: string): readonly StreamOwner[] {
    const sessions = new Map<string, StreamOwner>();
    for (const { subject } of this.#clients.values())
      if (subject?.session?.cid === cid) sessions.set(subject.session.id, subject.session);
    return [...sessions.values()];
  }

  /** Ends the clients of sessions that are over. @returns how many. */
  end(ended: EndedOwners): number {
    const isMeant = createIsEnded(ended);
    const clients = this.#whoAre(({ subject }) => subject?.session !== undefined && isMeant(subject.session));
    const groups = new Set(clients.map(({ group }) => group));
    for (const client of clients) client.end("session_over");
    for (const group of groups) group?.renew();
    this.#groups.endDeparted(isMeant);
    return clients.length;
  }

  /** Ends the clients at addresses that are not served any more. @returns how many. */
  endAt(isMeant: (address: string) => boolean): number {
    const clients = this.#whoAre(({ address }) => isMeant(address));
    for (const client of clients) client.end("session_over");
    return clients.length;
  }

  #whoAre(isMeant: (client: Subscriber) => boolean): readonly Subscriber[] {
    return [...this.#clients.values()].filter(isMeant);
  }

  /** Who may see what may have changed: nothing that was told until now is told again. */
  forgetHistory(): void {
    this.#groups.forget();
  }

  /** Tells every client when to come back, each a time of its own: the server is about to end. */
  drain(): void {
    for (const client of [...this.#clients.values()])
      client.leave(Math.round(RETURN_MS.from + Math.random() * RETURN_MS.spread));
  }

  close(): void {
    clearInterval(this.#sweeper);
    for (const client of [...this.#clients.values()]) client.end("stopping");
    this.#groups.close();
    this.#options.fed?.close();
    this.logins.closeAll();
  }

  #hasRoom(client: Subscriber, group: Group, topics: readonly string[]): boolean {
    const logins = topics.includes(LOGIN_TOPIC) && !this.logins.has(client) ? 1 : 0;
    const shared = topics.filter((topic) => topic !== LOGIN_TOPIC);
    return this.#groups.hasRoom(group.linksFor(shared) + logins);
  }

  // Undone when it fails.
  async #hold(client: Subscriber, place: Left, isLogin: boolean): Promise<void> {
    const { group, topics, subject } = place;
    try {
      const held = group.hold(topics, subject, subject.key === GUEST.key ? SHARED_ADDRESS : client.address);
      if (held !== undefined) await held;
      if (isLogin) await this.logins.open(client);
    } catch (error) {
      this.#groups.release(place);
      throw error;
    }
  }

  #turnAway(group: Group): Subscribed {
    this.#groups.release({ group, topics: [] });
    return "full";
  }

  /** @returns false when the client is cut: it could not even take what it was owed. */
  #move(client: Subscriber, next: Left): boolean {
    const left = this.#detach(client);
    if (client.isOpen) this.#attach(client, next);
    else this.#groups.release(next);
    if (left !== undefined) this.#groups.release(left);
    return client.isOpen;
  }

  #forget(client: Subscriber, reason: CloseReason | undefined): void {
    this.#clients.delete(client.id);
    this.logins.close(client);
    const left = this.#detach(client);
    // Who could not take what came does not get it later either, nor does what nobody is left to tell.
    const isLost = reason === "slow" || reason === "full";
    if (left !== undefined) this.#groups[isLost ? "release" : "depart"](left);
    if (reason !== "slow") return;
    const { log } = this.#options;
    log("info", "a realtime client read too slowly and was cut", { client: client.address });
  }

  #attach(client: Subscriber, { group, topics, subject }: Left): void {
    this.#owners.note(subject.session, 1);
    this.#topicChars += charsOf(topics);
    client.group = group;
    client.topics = topics;
    client.subject = subject;
    group.join(client, topics);
  }

  /**
   * Takes its topics and its caller from a client, which may be cut by what is on its way to it; then there is nothing
   * left to be taken a second time.
   *
   * @returns what it had, for the caller to give back
   */
  #detach(client: Subscriber): Left | undefined {
    const { group, subject, topics } = client;
    if (group === undefined || subject === undefined) return undefined;
    client.group = undefined;
    client.subject = undefined;
    client.topics = [];
    this.#owners.note(subject.session, -1);
    this.#topicChars -= charsOf(topics);
    group.leave(client, topics);
    return { group, topics, subject };
  }

  #sweep(): void {
    const nowMs = performance.now();
    const { isOver } = this.#owners;
    sweepClients(this.#clients, { ...this.#times, nowMs, isOver });
    this.#groups.tick(nowMs);
    this.#groups.endDeparted(isOver);
  }
}
