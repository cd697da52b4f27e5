// One connected client: what it is subscribed on, as whom, and what waits for it while it reads slowly.
import type { Group } from "./group.ts";
import type { Message } from "./message.ts";
import type { Joined, SinceOf, Welcome } from "./recovery.ts";
import type { Subject } from "./subject.ts";

/** The wire of one client. Methods answer whether more may be written at once; `Outlet` owners call `flow` again. */
export interface Outlet {
  /** One event; false when it waits to be taken. */
  message(message: Message): boolean;
  /** Says that the connection lives. */
  beat(): boolean;
  /** Says that events may have been missed: asks the client to look for itself. */
  gap(): boolean;
  /** Its topics are in force; what it has missed follows, as far as `recovered` says so. */
  joined(joined: Joined): boolean;
  /** Where it stands now that all of this was told. */
  place(offset: string): boolean;
  /** The server is about to end: says when to come back, in ms. */
  leave(retryMs: number): void;
  /** Ends the connection; says why where the wire has words for it. */
  close(reason: CloseReason): void;
}

/**
 * Why a client is ended: its session is over, it never subscribed, the server stops, it does not take what it is sent, or
 * there is no upstream stream for it any more.
 */
export type CloseReason = "session_over" | "unused" | "stopping" | "slow" | "full";

/** What an event costs beside its data while it waits. */
const WAITING_BYTES = 64;

/** What is one client's. */
export interface SubscriberPlace {
  readonly id: string;
  /** The client address it was opened from. */
  readonly address: string;
  /** Where it left off, for the topics that it subscribes first. */
  readonly since: string | undefined;
}

/** What all clients of a hub share: one object, because there are many of them. */
export interface SubscriberOptions {
  readonly bufferBytesMax: number;
  /** Called once when it is over, whoever ended it. */
  readonly onOver: (subscriber: Subscriber, reason: CloseReason | undefined) => void;
}

export class Subscriber {
  readonly id: string;
  readonly address: string;
  readonly openedMs = performance.now();
  /** Undefined until it first subscribes. */
  subject: Subject | undefined;
  group: Group | undefined;
  topics: readonly string[] = [];
  /** Grows with each subscription asked for: the latest counts. */
  turn = 0;
  isOpen = true;
  /** Of the last thing that its group told it, or would have before it came. */
  toldNumber = 0;
  /** When nothing had been written yet since; undefined when something was after the last {@link quietMs}. */
  #quietSinceMs: number | undefined;
  readonly #options: SubscriberOptions;
  #outlet: Outlet | undefined;
  #since: string | undefined;
  #isStalled = false;
  #owesGap = false;
  #queue: Message[] | undefined;
  #queuedBytes = 0;

  constructor({ id, address, since }: SubscriberPlace, options: SubscriberOptions) {
    this.#options = options;
    this.id = id;
    this.address = address;
    this.#since = since;
  }

  attach(outlet: Outlet): void {
    this.#outlet = outlet;
  }

  /** Sends an event, or keeps it while the client is slow; cuts a client that is behind by more than its bound. */
  push(message: Message): void {
    if (!this.isOpen || this.#outlet === undefined) return;
    if (this.#isStalled) return this.#keep(message);
    this.#quietSinceMs = undefined;
    this.#isStalled = !this.#outlet.message(message);
  }

  /** Where it left off before it came, when it says so; asked once. */
  takeSince(): SinceOf | undefined {
    const since = this.#since;
    this.#since = undefined;
    return since === undefined ? undefined : () => since;
  }

  /** Tells it that its topics are in force, and what it has missed. */
  welcome({ joined, messages }: Welcome): void {
    // Who is slow just now cannot be told that something is lost for good; a gap says as much.
    if (this.#isStalled && [...joined.recovered.values()].includes(false)) this.#owesGap = true;
    this.#say((outlet) => outlet.joined(joined));
    for (const message of messages) this.push(message);
    this.#say((outlet) => outlet.place(joined.offset));
  }

  /** For how long nothing was written, in ms, as far as looks show: a clock for each of thousands of writes would cost more. */
  quietMs(nowMs: number): number {
    this.#quietSinceMs ??= nowMs;
    return nowMs - this.#quietSinceMs;
  }

  /** Keeps a quiet connection from being taken for a dead one. */
  beat(): void {
    if (this.#isStalled) return;
    this.#quietSinceMs = undefined;
    this.#isStalled = this.#outlet?.beat() === false;
  }

  /** Says that events may have been missed; to a slow client before anything else that waits for it. */
  tellGap(): void {
    if (!this.isOpen) return;
    this.#owesGap = this.#isStalled;
    if (!this.#isStalled) this.#isStalled = this.#outlet?.gap() === false;
  }

  /** The client takes bytes again. */
  flow(): void {
    this.#isStalled = false;
    if (this.#owesGap) this.tellGap();
    const queue = this.#queue;
    if (queue === undefined) return;
    let sent = 0;
    while (sent < queue.length && !this.#isStalled) {
      const message = queue[sent++];
      if (message === undefined) break;
      this.#queuedBytes -= costOf(message);
      this.#isStalled = this.#outlet?.message(message) === false;
    }
    this.#quietSinceMs = undefined;
    this.#queue = sent < queue.length ? queue.slice(sent) : undefined;
  }

  /** Says when to come back; its connection is ended by whoever ends them all. */
  leave(retryMs: number): void {
    if (this.isOpen) this.#outlet?.leave(retryMs);
  }

  /** Ends it; a second call changes nothing. */
  end(reason: CloseReason): void {
    if (!this.isOpen) return;
    this.over(reason);
    this.#outlet?.close(reason);
  }

  /** The connection is gone. @param reason - Undefined when the client ended it. */
  over(reason?: CloseReason): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#queue = undefined;
    this.#options.onOver(this, reason);
  }

  // A slow client does without: it learns of its place with the next event.
  #say(say: (outlet: Outlet) => boolean): void {
    if (!this.isOpen || this.#isStalled || this.#outlet === undefined) return;
    this.#isStalled = !say(this.#outlet);
  }

  // What waits is shared with other clients: a slow one holds references, not copies.
  #keep(message: Message): void {
    this.#queuedBytes += costOf(message);
    if (this.#queuedBytes > this.#options.bufferBytesMax) {
      this.end("slow");
      return;
    }
    this.#queue ??= [];
    this.#queue.push(message);
  }
}

const costOf = ({ data, topic }: Message): number => data.length + topic.length + WAITING_BYTES;
