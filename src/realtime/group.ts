// The clients whom PocketBase would tell the same: one upstream subscription per topic, one message for all of them.
import type { OpenRealtime } from "../pocketbase/realtimeStream.ts";
import { mayHoldTokens, TokenFilter } from "../utils/upstreamTokens.ts";
import { Link, type LinkTimes } from "./link.ts";
import { Message } from "./message.ts";
import type { Subject } from "./subject.ts";
import type { Subscriber } from "./subscriber.ts";

/** PocketBase takes 1000 for one stream; the rest go to further ones. */
const TOPICS_PER_LINK = 1000;

interface Listening {
  readonly link: Link;
  readonly members: Set<Subscriber>;
  /** Subscribers and subscriptions under way that want it. */
  holds: number;
}

export interface GroupOptions {
  readonly open: OpenRealtime;
  readonly times: LinkTimes;
  /** The credential of a session now; undefined when it has ended. */
  readonly credentialOf: (subject: Subject) => string | undefined;
}

export class Group {
  readonly key: string;
  /** Clients in it. */
  readonly members = new Set<Subscriber>();
  readonly #options: GroupOptions;
  readonly #topics = new Map<string, Listening>();
  #links: Link[] = [];
  /** Session ids that a link was subscribed for, so that a new login shows PocketBase its own token. */
  readonly #shown = new Set<string>();

  constructor(key: string, options: GroupOptions) {
    this.key = key;
    this.#options = options;
  }

  /** Upstream streams in use. */
  get size(): number {
    return this.#links.length;
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

  /** Starts telling a subscriber of topics that are held for it. */
  join(subscriber: Subscriber, topics: readonly string[]): void {
    this.members.add(subscriber);
    for (const topic of topics) this.#topics.get(topic)?.members.add(subscriber);
  }

  /** Stops telling it. */
  leave(subscriber: Subscriber, topics: readonly string[]): void {
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
    const { open, times, credentialOf } = this.#options;
    const link: Link = new Link({
      open,
      address,
      times,
      credential: () => {
        for (const { subject } of this.members) {
          const credential = subject === undefined ? undefined : credentialOf(subject);
          if (credential !== undefined) return credential;
        }
        return undefined;
      },
      onMessage: (topic, data) => this.#tell(topic, data),
      onGap: () => this.#tellGap(link),
    });
    return link;
  }

  #forget(link: Link): void {
    link.close();
    this.#links = this.#links.filter((other) => other !== link);
  }

  #tell(topic: string, data: string): void {
    const listening = this.#topics.get(topic);
    if (listening === undefined) return;
    const message = new Message(topic, withheld(data));
    for (const member of listening.members) member.push(message);
  }

  #tellGap(link: Link): void {
    const told = new Set<Subscriber>();
    for (const listening of this.#topics.values()) {
      if (listening.link !== link) continue;
      for (const member of listening.members) told.add(member);
    }
    for (const member of told) member.tellGap();
  }
}

// An app's own message may hold a token of PocketBase's, which leaves worthless.
const withheld = (data: string): string => {
  const bytes = Buffer.from(data);
  return mayHoldTokens(bytes) ? Buffer.from(new TokenFilter().pass(bytes)).toString("utf8") : data;
};
