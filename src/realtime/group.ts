// The clients whom PocketBase would tell the same: one upstream subscription per topic, one message for all of them.
import type { OpenRealtime } from "../pocketbase/realtimeStream.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import { mayHoldTokens, TokenFilter } from "../utils/upstreamTokens.ts";
import { Link } from "./link.ts";
import type { LinkTimes } from "./linkTimes.ts";
import { Message } from "./message.ts";
import { GUEST, type Subject } from "./subject.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Delivery, Turns } from "./turns.ts";

/** PocketBase takes 1000 for one stream, and one is for proofs; the rest go to further streams. */
const TOPICS_PER_LINK = 999;
/** What may wait to be told, in characters; beyond it everybody is told of a gap instead. */
const PENDING_CHARS_MAX = 32 * 1024 * 1024;
/** A look at the clock costs about as much as telling one client. */
const TOLD_PER_LOOK = 16;

interface Listening {
  readonly link: Link;
  readonly members: Set<Subscriber>;
  /** Subscribers and subscriptions under way that want it. */
  holds: number;
}

/** Something on its way to many clients. */
interface Pending {
  readonly number: number;
  /** Undefined says that there was a gap. */
  readonly message: Message | undefined;
  readonly audience: ReadonlySet<Subscriber>;
  readonly rest: Iterator<Subscriber>;
}

export interface GroupOptions {
  readonly open: OpenRealtime;
  readonly times: LinkTimes;
  readonly turns: Turns;
  /** The credential of a session now; undefined when it has ended. */
  readonly credentialOf: (subject: Subject) => string | undefined;
}

export class Group implements Delivery {
  readonly key: string;
  /** Clients in it. */
  readonly members = new Set<Subscriber>();
  readonly #options: GroupOptions;
  readonly #topics = new Map<string, Listening>();
  readonly #pending: Pending[] = [];
  #pendingChars = 0;
  /** Of what was told last; each client remembers what it has been told. */
  #number = 0;
  #links: Link[] = [];
  /** Session ids that a link was subscribed for, so that a new login shows PocketBase its own token. */
  readonly #shown = new Set<string>();

  constructor(key: string, options: GroupOptions) {
    this.key = key;
    this.#options = options;
  }

  /** Its upstream streams. */
  get links(): readonly Link[] {
    return this.#links;
  }

  /** How many more upstream streams it would need for these topics. */
  linksFor(topics: readonly string[]): number {
    let added = 0;
    for (const topic of topics) if (!this.#topics.has(topic)) added++;
    for (const link of this.#links) added -= TOPICS_PER_LINK - link.topics.size;
    return Math.max(0, Math.ceil(added / TOPICS_PER_LINK));
  }

  /**
   * Subscribes topics for somebody; each call is undone by {@link release}.
   *
   * @returns undefined when they are in force already. @throws SubscribeRefused, UpstreamError
   */
  hold(topics: readonly string[], subject: Subject, address: string): Promise<void> | undefined {
    const isNews = subject.session !== undefined && !this.#shown.has(subject.session.id);
    const links = new Set<Link>();
    for (const topic of topics) {
      const known = this.#topics.get(topic);
      const listening = known ?? this.#add(topic, address);
      listening.holds++;
      if (known === undefined || isNews || !listening.link.isInForce) links.add(listening.link);
    }
    if (links.size === 0) return undefined;
    return Promise.all([...links].map((link) => link.ensure(subject.credential))).then(() => {
      if (subject.session !== undefined) this.#shown.add(subject.session.id);
    });
  }

  release(topics: readonly string[]): void {
    for (const topic of topics) {
      const listening = this.#topics.get(topic);
      if (listening === undefined || --listening.holds > 0) continue;
      this.#topics.delete(topic);
      listening.link.drop(topic);
      if (listening.link.topics.size === 0) this.#forget(listening.link);
    }
  }

  /** Starts telling a subscriber of topics that are held for it: what comes from now on. */
  join(subscriber: Subscriber, topics: readonly string[]): void {
    subscriber.toldNumber = this.#number;
    this.members.add(subscriber);
    for (const topic of topics) this.#topics.get(topic)?.members.add(subscriber);
  }

  /** Stops telling it; what is on its way to it comes first. */
  leave(subscriber: Subscriber, topics: readonly string[]): void {
    for (const pending of this.#pending) if (pending.audience.has(subscriber)) tell(subscriber, pending);
    this.members.delete(subscriber);
    for (const topic of topics) this.#topics.get(topic)?.members.delete(subscriber);
  }

  /** A session of it ended: PocketBase may take the stream for a guest's now, so it is replaced. */
  renew(): void {
    this.#shown.clear();
    for (const link of this.#links) link.renew();
  }

  tick(nowMs: number): void {
    for (const link of this.#links) link.tick(nowMs);
  }

  close(): void {
    for (const link of this.#links) link.close();
    this.#links = [];
    this.#topics.clear();
    this.#dropPending();
  }

  /** Tells what waits, in order. */
  go(untilMs: number): boolean {
    for (let told = 1; ; told++) {
      const pending = this.#pending[0];
      if (pending === undefined) return true;
      const { value, done } = pending.rest.next();
      if (done === true) {
        this.#pending.shift();
        this.#pendingChars -= pending.message?.data.length ?? 0;
      } else tell(value, pending);
      if (told % TOLD_PER_LOOK === 0 && performance.now() >= untilMs) return this.#pending.length === 0;
    }
  }

  #add(topic: string, address: string): Listening {
    let link = this.#links.find(({ topics }) => topics.size < TOPICS_PER_LINK);
    if (link === undefined) {
      link = this.#createLink(address);
      this.#links.push(link);
    }
    link.topics.add(topic);
    const listening: Listening = { link, members: new Set(), holds: 0 };
    this.#topics.set(topic, listening);
    return listening;
  }

  #createLink(address: string): Link {
    const { open, times } = this.#options;
    const link: Link = new Link({
      open,
      address,
      times,
      credential: () => this.#credential(),
      onMessage: (topic, data) => this.#hear(topic, data),
      onGap: () => this.#tellGap(link),
    });
    return link;
  }

  // A group of somebody's is never subscribed as a guest.
  #credential(): string | undefined {
    if (this.key === GUEST.key) return undefined;
    for (const { subject } of this.members) {
      const credential = subject === undefined ? undefined : this.#options.credentialOf(subject);
      if (credential !== undefined) return credential;
    }
    throw new UpstreamError("unreachable");
  }

  #forget(link: Link): void {
    link.close();
    this.#links = this.#links.filter((other) => other !== link);
  }

  #hear(topic: string, data: string): void {
    const listening = this.#topics.get(topic);
    if (listening === undefined) return;
    this.#pendingChars += data.length;
    if (this.#pendingChars > PENDING_CHARS_MAX) this.#giveUp();
    else this.#tell(new Message(topic, withheld(data)), listening.members);
  }

  #tellGap(link: Link): void {
    const audience = new Set<Subscriber>();
    for (const listening of this.#topics.values()) {
      if (listening.link !== link) continue;
      for (const member of listening.members) audience.add(member);
    }
    this.#tell(undefined, audience);
  }

  #giveUp(): void {
    this.#dropPending();
    this.#tell(undefined, new Set(this.members));
  }

  #tell(message: Message | undefined, audience: ReadonlySet<Subscriber>): void {
    this.#pending.push({ number: ++this.#number, message, audience, rest: audience.values() });
    this.#options.turns.add(this);
  }

  #dropPending(): void {
    this.#pending.length = 0;
    this.#pendingChars = 0;
    this.#options.turns.drop(this);
  }
}

// Each once and in order, whoever comes or goes meanwhile.
const tell = (subscriber: Subscriber, { number, message }: Pending): void => {
  if (number <= subscriber.toldNumber) return;
  subscriber.toldNumber = number;
  if (message === undefined) subscriber.tellGap();
  else subscriber.push(message);
};

// An app's own message may hold a token of PocketBase's, which leaves worthless.
const withheld = (data: string): string => {
  const bytes = Buffer.from(data);
  return mayHoldTokens(bytes) ? Buffer.from(new TokenFilter().pass(bytes)).toString("utf8") : data;
};
