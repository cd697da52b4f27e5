// What is on its way from a group to its clients: numbered, in order, each of them once, whoever comes or goes
// meanwhile. Decides nothing about who hears what.
import type { Message } from "./message.ts";
import type { Subscriber } from "./subscriber.ts";
import type { Delivery, Turns } from "./turns.ts";

/** What may wait to be told, in characters. */
const PENDING_CHARS_MAX = 32 * 1024 * 1024;
/** A look at the clock costs about as much as telling one client. */
const TOLD_PER_LOOK = 16;

/** Something on its way to many clients. */
interface Pending {
  readonly number: number;
  /** Undefined says that there was a gap. */
  readonly message: Message | undefined;
  readonly audience: ReadonlySet<Subscriber>;
  readonly rest: Iterator<Subscriber>;
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

  /** Whether a further message of so many characters is too much to wait. */
  isFullFor(chars: number): boolean {
    return this.#pendingChars + chars > PENDING_CHARS_MAX;
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
    this.#pending.push({ number: this.#number, message, audience, rest: audience.values() });
    this.#turns.add(this);
  }

  /** Tells one client at once what is on its way to it. */
  flush(subscriber: Subscriber): void {
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
      } else give(value, pending);
      if (told % TOLD_PER_LOOK === 0 && performance.now() >= untilMs) return this.#pending.length === 0;
    }
  }
}

const give = (subscriber: Subscriber, { number, message }: Pending): void => {
  if (number <= subscriber.toldNumber) return;
  subscriber.toldNumber = number;
  if (message === undefined) subscriber.tellGap();
  else subscriber.push(message);
};
