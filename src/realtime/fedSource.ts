// What tells a group of the topics that Hapta decides by itself: the change feed, as far as it concerns one caller. Says
// as whom the caller counts, and decides nothing.
import type { FeedEvent } from "../pocketbase/feedEvent.ts";
import { UpstreamError } from "../pocketbase/wire/upstreamError.ts";
import { CallerStates } from "./callerStates.ts";
import type { FedTopics } from "./fedTopics.ts";
import { HeldEvents } from "./heldEvents.ts";
import type { Source } from "./source.ts";
import type { StreamOwner, Subject } from "./subject.ts";

export interface FedSourceOptions {
  readonly fed: FedTopics;
  /** Whose group it is; undefined for guests. */
  readonly owner: StreamOwner | undefined;
  /** A session of the group's that lives; undefined while nobody is there. */
  readonly session: () => StreamOwner | undefined;
  readonly onMessage: (topic: string, data: string) => void;
  /** What was to be told of a topic was too long. */
  readonly onTooLong: (topic: string) => void;
  /** What was to be told may have been missed. */
  readonly onGap: (source: Source) => void;
  /** What was told until now is no longer known to be all. */
  readonly onDoubt: () => void;
  /** A topic that nobody tells any more: PocketBase must decide it from now on. */
  readonly onLose: (topic: string) => void;
}

/** Pause before a session is asked about again that PocketBase could not be asked about. */
const ASK_AGAIN_MS = 2_000;

export class FedSource implements Source {
  readonly topics = new Set<string>();
  /** The record that the group is; of guests nameless. */
  readonly record: Pick<FeedEvent, "collectionId" | "recordId">;
  /** What that record is; known only while a topic's rule reads it. */
  readonly states = new CallerStates();
  readonly #options: FedSourceOptions;
  /** What waits for PocketBase's word after a change of the caller's own record. */
  readonly #held = new HeldEvents();
  /** Grows with each doubt, so that a proof from before it does not count. */
  #doubts = 0;
  #isInForce = false;
  #isClosed = false;

  constructor(options: FedSourceOptions) {
    this.#options = options;
    const { owner } = options;
    this.record = { collectionId: owner?.cid ?? "", recordId: owner?.uid ?? "" };
  }

  /** False until PocketBase has said that a login of the caller's counts, which guests have none of, and after each doubt. */
  get isInForce(): boolean {
    return this.#isInForce;
  }

  /** Whether it could tell a topic. */
  takes(topic: string): boolean {
    return this.#options.fed.takes(topic, this.record.collectionId);
  }

  add(topic: string): void {
    this.topics.add(topic);
    this.#options.fed.enter(topic, this);
  }

  /** @throws UpstreamError when PocketBase does not say, or denies, that the session counts. */
  async ensure({ session }: Pick<Subject, "session">): Promise<void> {
    const doubts = this.#doubts;
    const isSure = await this.#isVouchedFor(session);
    if (!isSure || this.#isClosed) throw new UpstreamError("unreachable");
    // A doubt that came up meanwhile is settled by whoever raised it.
    if (doubts === this.#doubts) this.#isInForce = true;
  }

  drop(topic: string): void {
    this.topics.delete(topic);
    this.#options.fed.leave(topic, this);
  }

  close(): void {
    this.#isClosed = true;
    for (const topic of [...this.topics]) this.drop(topic);
  }

  /** An event that the caller may see. */
  tell(topic: string, data: string): void {
    if (!this.#isInForce) return;
    if (!this.#held.isInQuestion) this.#options.onMessage(topic, data);
    else if (!this.#held.hold({ topic, data })) void this.doubt();
  }

  /**
   * The caller's own record has changed or gone, which may have ended the login: nothing, not even that change, is told
   * before PocketBase says that it counts.
   */
  async question(): Promise<void> {
    this.#held.ask();
    if (!(await this.#isVouchedFor(this.#options.session())) && !this.#isClosed) await this.doubt();
  }

  /** Something may have been missed, or nobody can say whether the caller may see it. */
  tellGap(): void {
    if (this.#isInForce) this.#options.onGap(this);
  }

  /** As {@link tellGap}, of one topic: what happened was too long to be told. */
  tellTooLong(topic: string): void {
    if (this.#isInForce) this.#options.onTooLong(topic);
  }

  /** PocketBase must decide a topic. */
  lose(topic: string): void {
    this.drop(topic);
    this.#options.onLose(topic);
  }

  /** Changes were missed, of accounts too: nothing more is told before PocketBase says that the caller still counts. */
  async doubt(): Promise<void> {
    const doubts = ++this.#doubts;
    this.#isInForce = false;
    this.states.forget();
    this.#held.clear();
    this.#options.onDoubt();
    for (; !this.#isClosed && doubts === this.#doubts; await Bun.sleep(ASK_AGAIN_MS)) {
      const session = this.#options.session();
      // Whoever comes back is asked about then.
      if (session === undefined && this.#options.owner !== undefined) return;
      if (!(await this.#isVouchedFor(session)) || doubts !== this.#doubts || this.#isClosed) continue;
      this.#isInForce = true;
      return this.tellGap();
    }
  }

  // What was in question before PocketBase was asked is answered by its yes. A guest has no login that might not count.
  async #isVouchedFor(session: StreamOwner | undefined): Promise<boolean> {
    if (this.#options.owner === undefined) return true;
    const { asked } = this.#held;
    if (session === undefined || !(await this.#options.fed.vouches(this, session))) return false;
    for (const { topic, data } of this.#held.answer(asked))
      if (this.#isInForce) this.#options.onMessage(topic, data);
    return true;
  }
}
