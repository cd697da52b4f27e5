// What is on its way from a group to its clients: numbered, in order, each of them once, whoever comes or goes
// meanwhile. Decides nothing about who hears what.
import { Batch, type Message } from "./message.ts";
import type { Backlog } from "./pace.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Delivery, Turns } from "./turns.ts";

/** What may wait to be told, in characters. */
const PENDING_CHARS_MAX = 32 * 1024 * 1024;
/** How long something may wait to be told, in ms: who reads anew has newer things sooner. */
const PENDING_MS_MAX = 10_000;
/** A look at the clock costs about as much as telling one client. */
const TOLD_PER_LOOK = 16;

/** What leaves in one piece at most, in characters: a part of what may wait for a client. */
const BATCH_CHARS_MAX = 16_384;
/** With more waiting, it is a flood. */
const BURST_CHARS_MAX = 4 * BATCH_CHARS_MAX;

/** Something on its way to many clients. */
interface Pending {
  /** Of its first event, and of its last. */
  readonly first: number;
  readonly number: number;
  /** Undefined says that there was a gap. */
  readonly message: Message | undefined;
  readonly audience: ReadonlySet<Subscriber>;
  readonly rest: Iterator<Subscriber>;
  /** Since when the oldest of it waits. */
  readonly sinceMs: number;
}

export class Telling implements Delivery {
  readonly #turns: Turns;
  readonly #pending: Pending[] = [];
  #pendingChars = 0;
  #number = 0;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  /** Of what was told last; each client remembers what it has been told. */
  get number(): number {
    return this.#number;
  }

  /** Whether a further message of so many characters is too much to wait, or something has waited too long already. */
  isFullFor(chars: number): boolean {
    const [oldest] = this.#pending;
    if (oldest === undefined) return false;
    const isLate = this.#turns.nowMs() - oldest.sinceMs > PENDING_MS_MAX;
    return isLate || this.#pendingChars + chars > PENDING_CHARS_MAX;
  }

  get backlog(): Backlog | undefined {
    const [oldest] = this.#pending;
    if (oldest === undefined) return undefined;
    const isBehind = this.#pending.length > 1 || (oldest.message?.parts.length ?? 0) > 1;
    if (!isBehind) return undefined;
    return { sinceMs: oldest.sinceMs, isFlood: this.#pendingChars > BURST_CHARS_MAX };
  }

  /**
   * Tells everybody in `audience`, as many as it may at once and the rest in its turns. Who joins meanwhile must begin
   * at {@link number}.
   *
   * @param message - Its number is the next one; undefined says that there was a gap.
   */
  tell(message: Message | undefined, audience: ReadonlySet<Subscriber>): void {
    this.#number += 1;
    if (audience.size === 0) return;
    this.#pendingChars += message?.data.length ?? 0;
    const number = this.#number;
    const sinceMs = this.#turns.nowMs();
    this.#pending.push({ first: number, number, message, audience, rest: audience.values(), sinceMs });
    this.#turns.add(this);
  }

  /** Tells one client at once what is on its way to it. */
  flush(subscriber: Subscriber): void {
    // Thousands who leave together while thousands of events wait would be looked at one by one for nothing.
    if (!subscriber.isOpen) return;
    for (const pending of this.#pending) if (pending.audience.has(subscriber)) give(subscriber, pending);
  }

  /** Forgets what is on its way. */
  drop(): void {
    this.#pending.length = 0;
    this.#pendingChars = 0;
    this.#turns.drop(this);
  }

  go(untilMs: number): boolean {
    for (let told = 1; ; told++) {
      const pending = this.#pending[0];
      if (pending === undefined) return true;
      const { value, done } = pending.rest.next();
      if (done === true) {
        this.#pending.shift();
        this.#pendingChars -= pending.message?.data.length ?? 0;
        this.#join();
      } else give(value, pending);
      if (told % TOLD_PER_LOOK === 0 && this.#turns.nowMs() >= untilMs) return this.#pending.length === 0;
    }
  }

  // What piled up for the same clients while they were told something else leaves in one piece.
  #join(): void {
    const oldest = this.#pending[0];
    if (oldest === undefined) return;
    const { audience } = oldest;
    const parts: Message[] = [];
    let chars = 0;
    for (const { message, audience: other } of this.#pending) {
      chars += message?.data.length ?? 0;
      if (message === undefined || other !== audience || chars > BATCH_CHARS_MAX) break;
      parts.push(message);
    }
    const number = parts.at(-1)?.offset?.number;
    if (parts.length < 2 || number === undefined) return;
    const message = new Batch(parts);
    this.#pending.splice(0, parts.length, { ...oldest, number, message, rest: audience.values() });
  }
}

const give = (subscriber: Subscriber, { first, number, message }: Pending): void => {
  const told = subscriber.toldNumber;
  if (number <= told) return;
  subscriber.toldNumber = number;
  if (message === undefined) subscriber.tellGap();
  else if (told < first) subscriber.push(message);
  else for (const part of message.parts) if ((part.offset?.number ?? 0) > told) subscriber.push(part);
};
