// Who is in which channel, and what members say to each other. Everything is in memory and gone with its members; who may
// enter is asked of whoever brings them.
import { randomBytes } from "node:crypto";
import { Refusal } from "../errors.ts";
import { Allowance } from "./allowance.ts";
import { ChannelMessage } from "./channelMessage.ts";
import { type ChannelPlace, type ChannelRule, createFindChannel } from "./channelRules.ts";
import type { Subscriber } from "./subscriber.ts";

/** What the others see of a member. */
export interface MemberView {
  /** Made when it enters; says nothing about the client. */
  readonly id: string;
  /** Its record; only in channels that not everybody may enter. */
  readonly user?: { readonly collectionId: string; readonly id: string } | undefined;
  /** What it says about itself. */
  readonly data?: unknown;
}

/** One client, as channels see it. */
export interface Visitor {
  readonly subscriber: Subscriber;
  /** Whether it may be there; undefined when nobody can say. Asked again from time to time. */
  mayEnter(place: ChannelPlace): Promise<boolean | undefined> | boolean;
  /** Its record; undefined for guests and superusers. */
  user(): MemberView["user"];
}

interface Member {
  readonly visitor: Visitor;
  readonly view: MemberView;
  readonly allowance: Allowance;
}

interface Channel {
  readonly place: ChannelPlace;
  readonly members: Map<Subscriber, Member>;
  /** Of all members together. */
  readonly allowance: Allowance;
}

/** Channels of one client. */
const CHANNELS_PER_CLIENT_MAX = 16;
const CHANNELS_MAX = 65_536;
/** Messages, arrivals and departures of one channel in a second, each told to every member. */
const CHANNEL_NEWS_PER_SECOND_MAX = 200;
/** How often members of channels that stand for a record are asked about again. */
const RECHECK_MS = 30_000;

export class Channels {
  readonly #find: (name: string) => ChannelPlace | undefined;
  readonly #channels = new Map<string, Channel>();
  readonly #joined = new Map<Subscriber, Set<Channel>>();
  readonly #rechecker: Timer | undefined;

  constructor(rules: readonly ChannelRule[], recheckMs = RECHECK_MS) {
    this.#find = createFindChannel(rules);
    if (!rules.some(({ access }) => access.kind === "record")) return;
    let isRunning = false;
    this.#rechecker = setInterval(() => {
      if (isRunning) return;
      isRunning = true;
      void this.#recheck().finally(() => {
        isRunning = false;
      });
    }, recheckMs);
    this.#rechecker.unref();
  }

  /** Channels that somebody is in. */
  get size(): number {
    return this.#channels.size;
  }

  /**
   * Lets a client in and tells it who is there; the others hear of it. Who is in already is told anew.
   *
   * @throws Refusal `channel_denied` (also for a name that no pattern fits), `channel_full`, `body_too_large`,
   * `rate_limited`, `upstream_unreachable`
   */
  async join(visitor: Visitor, name: string, data: unknown): Promise<void> {
    const { subscriber } = visitor;
    const place = this.#find(name);
    if (place === undefined) throw new Refusal("channel_denied");
    checkSize(place.rule, data);
    const may = await visitor.mayEnter(place);
    if (may === undefined) throw new Refusal("upstream_unreachable");
    if (!may) throw new Refusal("channel_denied");
    if (!subscriber.isOpen) return;
    const channel = this.#channels.get(name) ?? this.#create(place);
    this.#checkRoom(channel, subscriber);
    spend(channel.allowance);
    this.leave(subscriber, name);
    const member = createMember(visitor, place.rule, data);
    this.#tell(channel, { type: "join", channel: name, member: member.view });
    this.#channels.set(name, channel);
    this.#joined.set(subscriber, (this.#joined.get(subscriber) ?? new Set()).add(channel));
    channel.members.set(subscriber, member);
    const members = Array.from(channel.members.values(), ({ view }) => view);
    subscriber.push(new ChannelMessage({ type: "joined", channel: name, memberId: member.view.id, members }));
  }

  /** Takes a client out; the others hear of it. */
  leave(subscriber: Subscriber, name: string): void {
    const channel = this.#channels.get(name);
    if (channel?.members.has(subscriber) === true) this.#remove(channel, subscriber);
  }

  /** Takes a client out of all channels and tells it so: it is gone, or somebody else now. */
  leaveAll(subscriber: Subscriber): void {
    for (const channel of [...(this.#joined.get(subscriber) ?? [])]) {
      this.#remove(channel, subscriber);
      subscriber.push(new ChannelMessage({ type: "left", channel: channel.place.name }));
    }
  }

  /** Tells all other members. @throws Refusal `channel_denied` for who is not in, `body_too_large`, `rate_limited` */
  say(subscriber: Subscriber, name: string, data: unknown): void {
    const channel = this.#channels.get(name);
    const member = channel?.members.get(subscriber);
    if (channel === undefined || member === undefined) throw new Refusal("channel_denied");
    checkSize(channel.place.rule, data);
    spend(member.allowance);
    spend(channel.allowance);
    this.#tell(channel, { type: "message", channel: name, from: member.view.id, data }, subscriber);
  }

  close(): void {
    clearInterval(this.#rechecker);
  }

  #checkRoom({ members, place }: Channel, subscriber: Subscriber): void {
    if (members.has(subscriber)) return;
    const joined = this.#joined.get(subscriber)?.size ?? 0;
    if (members.size >= place.rule.membersMax || joined >= CHANNELS_PER_CLIENT_MAX)
      throw new Refusal("channel_full", { retryAfterSeconds: 5 });
  }

  #create(place: ChannelPlace): Channel {
    if (this.#channels.size >= CHANNELS_MAX) throw new Refusal("overloaded", { retryAfterSeconds: 5 });
    return { place, members: new Map(), allowance: new Allowance(CHANNEL_NEWS_PER_SECOND_MAX) };
  }

  #remove(channel: Channel, subscriber: Subscriber): void {
    const member = channel.members.get(subscriber);
    channel.members.delete(subscriber);
    const joined = this.#joined.get(subscriber);
    joined?.delete(channel);
    if (joined?.size === 0) this.#joined.delete(subscriber);
    const { name } = channel.place;
    if (channel.members.size === 0) this.#channels.delete(name);
    else this.#tell(channel, { type: "leave", channel: name, member: member?.view.id });
  }

  #tell(channel: Channel, frame: unknown, but?: Subscriber): void {
    const message = new ChannelMessage(frame);
    for (const subscriber of [...channel.members.keys()]) if (subscriber !== but) subscriber.push(message);
  }

  // One question at a time: this shall not be felt. Who nobody can say anything about stays until somebody can.
  async #recheck(): Promise<void> {
    for (const channel of [...this.#channels.values()]) {
      if (channel.place.recordPath === undefined) continue;
      for (const [subscriber, { visitor }] of [...channel.members]) {
        if ((await visitor.mayEnter(channel.place)) !== false) continue;
        if (!channel.members.has(subscriber)) continue;
        this.#remove(channel, subscriber);
        const { name } = channel.place;
        subscriber.push(new ChannelMessage({ type: "left", channel: name, code: "channel_denied" }));
      }
    }
  }
}

const ID_BYTES = 12;

const createMember = (visitor: Visitor, rule: ChannelRule, data: unknown): Member => ({
  visitor,
  view: {
    id: randomBytes(ID_BYTES).toString("base64url"),
    user: rule.access.kind === "public" ? undefined : visitor.user(),
    data,
  },
  allowance: new Allowance(rule.messagesPerSecondMax),
});

const checkSize = ({ messageBytesMax }: ChannelRule, data: unknown): void => {
  if (data !== undefined && Buffer.byteLength(JSON.stringify(data)) > messageBytesMax)
    throw new Refusal("body_too_large");
};

const spend = (allowance: Allowance): void => {
  if (!allowance.take(performance.now())) throw new Refusal("rate_limited", { retryAfterSeconds: 1 });
};
