// The clients whom PocketBase would tell the same: one upstream subscription per topic, one message for all of them.
import type { OpenRealtime } from "../pocketbase/realtimeStream.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import { mayHoldTokens, TokenFilter } from "../utils/upstreamTokens.ts";
import { FedSource } from "./fedSource.ts";
import type { FedTopics } from "./fedTopics.ts";
import { type HistoryStore, TopicHistory } from "./history.ts";
import type { Link } from "./link.ts";
import { Links } from "./links.ts";
import type { LinkTimes } from "./linkTimes.ts";
import { Message } from "./message.ts";
import { makeEpoch, type Offset } from "./offset.ts";
import type { Source } from "./source.ts";
import { GUEST, type Subject } from "./subject.ts";
import type { Subscriber } from "./subscriber.ts";
import { Telling } from "./telling.ts";
import type { Turns } from "./turns.ts";

/** Told to PocketBase as the address of a stream for clients who are gone, but may come back. */
const NOWHERE = "127.0.0.1";

interface Listening {
  source: Source;
  readonly members: Set<Subscriber>;
  readonly history: TopicHistory;
  /** Subscribers, subscriptions under way and clients who may come back, that want it. */
  holds: number;
}

export interface GroupOptions {
  /** What tells topics that Hapta decides by itself; undefined when it decides none. */
  readonly fed: FedTopics | undefined;
  readonly open: OpenRealtime;
  readonly times: LinkTimes;
  readonly turns: Turns;
  readonly histories: HistoryStore;
  /** The credential of a session now; undefined when it has ended. */
  readonly credentialOf: (subject: Subject) => string | undefined;
  /** Whether so many more upstream streams may be opened. */
  readonly hasRoom: (links: number) => boolean;
}

export class Group {
  readonly key: string;
  /** Clients in it. */
  readonly members = new Set<Subscriber>();
  readonly #options: GroupOptions;
  readonly #topics = new Map<string, Listening>();
  readonly #telling: Telling;
  #epoch = makeEpoch();
  readonly #links: Links;
  /** Undefined for whom Hapta decides nothing. */
  readonly #fed: FedSource | undefined;
  /** Who joined last: as whom to subscribe while it waits for somebody to come back. */
  #latest: Subject | undefined;
  /** Session ids that a link was subscribed for, so that a new login shows PocketBase its own token. */
  readonly #shown = new Set<string>();

  /** @param subject - One of those who belong to it. */
  constructor(subject: Subject, options: GroupOptions) {
    this.key = subject.key;
    this.#options = options;
    this.#telling = new Telling(options.turns);
    const { open, times } = options;
    this.#links = new Links({
      open,
      times,
      credential: () => this.#credential(),
      onMessage: (topic, data) => this.#hear(topic, withheld(data)),
      onTooLong: (topic) => this.#tellGapIn(topic),
      onGap: (source) => this.#tellGap(source),
    });
    this.#fed = this.#createFed(subject);
  }

  /** Whether anybody wants anything of it. */
  get isUsed(): boolean {
    return this.members.size > 0 || this.#topics.size > 0;
  }

  /** Its upstream streams. */
  get links(): readonly Link[] {
    return this.#links.all;
  }

  /** Of what was told last. */
  get offset(): Offset {
    return { epoch: this.#epoch, number: this.#telling.number };
  }

  /** How many more upstream streams it would need for these topics. */
  linksFor(topics: readonly string[]): number {
    let added = 0;
    for (const topic of topics) if (!this.#topics.has(topic) && this.#fed?.takes(topic) !== true) added++;
    return this.#links.neededFor(added);
  }

  /**
   * Subscribes topics for somebody; each call is undone by {@link release}.
   *
   * @returns undefined when they are in force already. @throws SubscribeRefused, UpstreamError
   */
  hold(topics: readonly string[], subject: Subject, address: string): Promise<void> | undefined {
    const isNews = subject.session !== undefined && !this.#shown.has(subject.session.id);
    const sources = new Set<Source>();
    for (const topic of topics) {
      const known = this.#topics.get(topic);
      const listening = known ?? this.#add(topic, address);
      listening.holds++;
      if (known === undefined || isNews || !listening.source.isInForce) sources.add(listening.source);
    }
    if (sources.size === 0) {
      this.#begin(topics);
      return undefined;
    }
    return Promise.all([...sources].map((source) => source.ensure(subject))).then(() => {
      if (subject.session !== undefined) this.#shown.add(subject.session.id);
      this.#begin(topics);
    });
  }

  release(topics: readonly string[]): void {
    for (const topic of topics) {
      const listening = this.#topics.get(topic);
      if (listening === undefined || --listening.holds > 0) continue;
      this.#topics.delete(topic);
      listening.history.clear();
      if (listening.source === this.#fed) this.#fed.drop(topic);
      else this.#links.leave(topic, listening.source);
    }
  }

  /** Starts telling a subscriber of topics that are held for it: what comes from now on. */
  join(subscriber: Subscriber, topics: readonly string[]): void {
    subscriber.toldNumber = this.#telling.number;
    this.members.add(subscriber);
    this.#latest = subscriber.subject;
    for (const topic of topics) this.#topics.get(topic)?.members.add(subscriber);
  }

  /** Stops telling it; what is on its way to it comes first. */
  leave(subscriber: Subscriber, topics: readonly string[]): void {
    this.#telling.flush(subscriber);
    this.members.delete(subscriber);
    for (const topic of topics) this.#topics.get(topic)?.members.delete(subscriber);
  }

  /** Of these topics, those that nobody else wants. */
  lastOf(topics: readonly string[]): readonly string[] {
    return topics.filter((topic) => this.#topics.get(topic)?.holds === 1);
  }

  /** What was told of a topic after an offset; undefined when that is not known to be all of it. */
  missed(topic: string, { epoch, number }: Offset): Message[] | undefined {
    if (epoch !== this.#epoch || number > this.#telling.number) return undefined;
    return this.#topics.get(topic)?.history.after(number);
  }

  /** Whom somebody is seen as, or what may be seen, may have changed: what was told before is not told again. */
  forget(): void {
    this.#epoch = makeEpoch();
    for (const { history, source } of this.#topics.values()) {
      history.clear();
      if (source.isInForce) history.begin(this.#telling.number);
    }
  }

  /** A session of it ended: PocketBase may take the stream for a guest's now, so it is replaced. */
  renew(): void {
    this.#shown.clear();
    this.forget();
    this.#links.renew();
  }

  tick(nowMs: number): void {
    this.#links.tick(nowMs);
  }

  close(): void {
    this.#links.close();
    this.#fed?.close();
    for (const { history } of this.#topics.values()) history.clear();
    this.#topics.clear();
    this.#telling.drop();
  }

  #begin(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.get(topic)?.history.begin(this.#telling.number);
  }

  #add(topic: string, address: string): Listening {
    const history = new TopicHistory(this.#options.histories);
    const source = this.#enter(topic, address);
    const listening: Listening = { source, members: new Set(), history, holds: 0 };
    this.#topics.set(topic, listening);
    return listening;
  }

  #enter(topic: string, address: string): Source {
    if (this.#fed?.takes(topic) !== true) return this.#links.enter(topic, address);
    this.#fed.add(topic);
    return this.#fed;
  }

  #createFed({ key, session }: Subject): FedSource | undefined {
    const { fed } = this.#options;
    if (fed === undefined || (session === undefined && key !== GUEST.key)) return undefined;
    return new FedSource({
      fed,
      owner: session,
      session: () => [...this.members].find(({ subject }) => subject?.session)?.subject?.session,
      onMessage: (topic, data) => this.#hear(topic, data),
      onTooLong: (topic) => this.#tellGapIn(topic),
      onGap: (source) => this.#tellGap(source),
      onDoubt: () => this.forget(),
      onLose: (topic) => this.#moveToLink(topic),
    });
  }

  #moveToLink(topic: string): void {
    const listening = this.#topics.get(topic);
    if (listening === undefined) return;
    // Who would hear nothing until there is room is told so when it comes back.
    if (!this.#options.hasRoom(this.#links.neededFor(1)))
      for (const listener of [...listening.members]) listener.end("full");
    if (this.#topics.get(topic) !== listening) return;
    const [member] = this.members;
    const link = this.#links.enter(topic, member?.address ?? NOWHERE);
    listening.source = link;
    listening.history.clear();
    link.takeOver();
  }

  // A group of somebody's is never subscribed as a guest.
  #credential(): string | undefined {
    if (this.key === GUEST.key) return undefined;
    for (const subject of [...this.members].map((member) => member.subject).concat(this.#latest)) {
      const credential = subject === undefined ? undefined : this.#options.credentialOf(subject);
      if (credential !== undefined) return credential;
    }
    throw new UpstreamError("unreachable");
  }

  #hear(topic: string, data: string): void {
    const listening = this.#topics.get(topic);
    if (listening === undefined) return;
    if (this.#telling.isFullFor(data.length)) return this.#giveUp();
    const number = this.#telling.number + 1;
    const message = new Message(topic, data, { epoch: this.#epoch, number });
    listening.history.add(number, message);
    this.#telling.tell(message, listening.members);
  }

  #tellGap(source: Source): void {
    const audience = new Set<Subscriber>();
    for (const listening of this.#topics.values()) {
      if (listening.source !== source) continue;
      for (const member of listening.members) audience.add(member);
    }
    this.forget();
    this.#telling.tell(undefined, audience);
  }

  // Whoever says later that he was here before it has missed something, too.
  #tellGapIn(topic: string): void {
    const listening = this.#topics.get(topic);
    if (listening === undefined) return;
    this.#telling.tell(undefined, new Set(listening.members));
    listening.history.clear();
    if (listening.source.isInForce) listening.history.begin(this.#telling.number);
  }

  #giveUp(): void {
    this.forget();
    this.#telling.drop();
    this.#telling.tell(undefined, new Set(this.members));
  }
}

// An app's own message may hold a token of PocketBase's, which leaves worthless.
const withheld = (data: string): string => {
  const bytes = Buffer.from(data);
  return mayHoldTokens(bytes) ? Buffer.from(new TokenFilter().pass(bytes)).toString("utf8") : data;
};
