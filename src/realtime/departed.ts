// Topics of clients that went away a moment ago: they stay subscribed for a while, so that whoever comes back finds what
// happened meanwhile. Knows the topics, not the clients.
import type { Group } from "./group.ts";
import type { StreamOwner, Subject } from "./subject.ts";

/** Topics that nobody else wants, as left by one client. */
export interface Left {
  readonly group: Group;
  readonly topics: readonly string[];
  readonly subject: Subject;
}

export interface DepartedOptions {
  /** How long they stay; 0 keeps none. */
  readonly stayMs: number;
  /** Lets go of what was kept. */
  readonly release: (left: Left) => void;
}

/** Of one client; more are not worth their price at PocketBase. */
const TOPICS_OF_ONE_MAX = 100;
/** Of all. */
const TOPICS_MAX = 4096;
/** Clients; each may hold an upstream stream. */
const LEFT_MAX = 1024;

export class Departed {
  readonly #options: DepartedOptions;
  /** By the time until which they stay, oldest first. */
  readonly #left = new Map<Left, number>();
  #topics = 0;

  constructor(options: DepartedOptions) {
    this.#options = options;
  }

  /** Keeps topics, in place of those that were kept longest when there are too many. @returns false when it does not. */
  add(left: Left): boolean {
    const { length } = left.topics;
    if (length === 0 || length > TOPICS_OF_ONE_MAX) return false;
    this.#left.set(left, performance.now() + this.#options.stayMs);
    this.#topics += length;
    while (this.#left.size > LEFT_MAX || this.#topics > TOPICS_MAX) this.releaseOldest();
    return true;
  }

  /** @returns whether there was one. */
  releaseOldest(): boolean {
    for (const left of this.#left.keys()) {
      this.#release(left);
      return true;
    }
    return false;
  }

  /** Lets go of what sessions left that are over. */
  releaseOf(isOver: (session: StreamOwner) => boolean): void {
    for (const left of [...this.#left.keys()]) {
      const { session } = left.subject;
      if (session !== undefined && isOver(session)) this.#release(left);
    }
  }

  /** Lets go of what was kept long enough. */
  tick(nowMs: number): void {
    for (const [left, untilMs] of [...this.#left]) {
      if (nowMs < untilMs) return;
      this.#release(left);
    }
  }

  #release(left: Left): void {
    this.#left.delete(left);
    this.#topics -= left.topics.length;
    this.#options.release(left);
  }
}
