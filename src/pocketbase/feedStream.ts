// One realtime stream of PocketBase, subscribed as superuser. Lives once: what replaces it is the feed's affair.
import { type Clock, pause } from "./clock.ts";
import { collectionOf, type FeedEvent, parseFeedEvent, textMember, topicOf } from "./feedEvent.ts";
import type { FeedTimes } from "./feedOptions.ts";
import { UNLOGGED_CALL } from "./feedProbe.ts";
import { type OpenRealtime, PROOF_TOPIC, type RealtimeStream } from "./realtimeStream.ts";
import type { SuperuserClient } from "./superuser.ts";
import { SuperuserError } from "./superuserError.ts";

/** What a stream needs. */
export type FeedStreamOptions = {
  readonly client: SuperuserClient;
  readonly open: OpenRealtime;
  readonly clock: Clock;
  readonly times: FeedTimes;
  readonly collectionIds: readonly string[];
  readonly onEvent: (event: FeedEvent, stream: FeedStream) => void;
  /** A record of this collection has changed, in a message that is too long to be told. */
  readonly onTooLong: (collectionId: string) => void;
};

/**
 * - `proven`: a message sent through the stream just now came out of it.
 * - `silent`: it did not, in time.
 * - `unprovable`: PocketBase, or something before it, does not let us send one.
 */
export type Proof = "proven" | "silent" | "unprovable";

const UNREADABLE = "PocketBase sent an event that cannot be read";

/**
 * Connects and subscribes. Events may come before the promise settles.
 *
 * @throws SuperuserError or Error, with a sentence that says why; nothing stays open then.
 */
export async function openFeedStream(options: FeedStreamOptions): Promise<FeedStream> {
  const { client, times } = options;
  const deadlineMs = times.openDeadlineMs;
  // PocketBase takes a token it does not know for a guest's, answers 204 all the same and never sends anything.
  const { status } = await client.call({ ...UNLOGGED_CALL, deadlineMs });
  if (status >= 500 || status === 401 || status === 403) throw refusal("the superuser's token", status);
  const { refusals } = client;
  const stream = new FeedStream(options, refusals);
  try {
    const clientId = await stream.connected();
    const subscriptions = [PROOF_TOPIC, ...options.collectionIds.map(topicOf)];
    const body = { clientId, subscriptions };
    const answer = await client.call({
      method: "POST",
      path: "/api/realtime",
      body,
      renew: false,
      deadlineMs,
    });
    if (answer.status !== 204) throw refusal("the subscriptions", answer.status);
    if (client.refusals !== refusals) throw new Error("The superuser's token ended meanwhile.");
    return stream;
  } catch (error) {
    stream.close();
    throw error;
  }
}

function refusal(what: string, status: number): Error {
  const message = `PocketBase answered ${status} to ${what} of the change feed.`;
  return status === 401 || status === 403 ? new SuperuserError("lockedOut", message) : new Error(message);
}

/** A stream from its connection to its end. */
export class FeedStream {
  /** Ids of the collections it follows. */
  readonly collectionIds: ReadonlySet<string>;
  /** The client's `refusals` when its token was used here; when they differ PocketBase may see a guest here. */
  readonly refusals: number;
  readonly bornMs: number;
  /** Settles with the reason, in a few words, when nothing more will come. Never rejects. */
  readonly ended: Promise<string>;
  readonly #options: FeedStreamOptions;
  readonly #clientId = Promise.withResolvers<string>();
  readonly #proof = { code: crypto.randomUUID(), heard: Promise.withResolvers<Proof>() };
  readonly #end = Promise.withResolvers<string>();
  #stream: RealtimeStream | undefined;
  #isOpen = true;
  #heardMs: number;

  constructor(options: FeedStreamOptions, refusals: number) {
    this.#options = options;
    this.refusals = refusals;
    this.collectionIds = new Set(options.collectionIds);
    this.bornMs = options.clock.now();
    this.#heardMs = this.bornMs;
    this.ended = this.#end.promise;
    void this.#open();
  }

  /** The clock's time of the last message. */
  get heardMs(): number {
    return this.#heardMs;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** PocketBase's name for this stream. @throws Error when it does not come in time. */
  async connected(): Promise<string> {
    const { clock, times } = this.#options;
    const tooLate = "PocketBase does not open a realtime stream in time";
    const callOff = clock.after(times.openDeadlineMs, () => this.close(tooLate));
    const failed = this.ended.then((reason) => Promise.reject(new Error(`${reason}.`)));
    try {
      return await Promise.race([this.#clientId.promise, failed]);
    } finally {
      callOff();
    }
  }

  /** Sends one message through PocketBase and this stream. Works once in a stream's life. Never rejects. */
  async prove(): Promise<Proof> {
    const { clock, times } = this.#options;
    const over = new AbortController();
    const late = pause(clock, times.proveDeadlineMs, over.signal).then((): Proof => "silent");
    const ended = this.ended.then((): Proof => "silent");
    const refused = this.#sendProof().then((proof) => (proof === "proven" ? late : proof));
    try {
      return await Promise.race([this.#proof.heard.promise, refused, late, ended]);
    } finally {
      over.abort();
    }
  }

  /** Ends it; a second call changes nothing. */
  close(reason = "closed"): void {
    this.#isOpen = false;
    this.#end.resolve(reason);
    this.#stream?.close();
  }

  /** @returns `proven` when PocketBase says that it has sent the message, which is not proof yet. */
  async #sendProof(): Promise<Proof> {
    const { client, times } = this.#options;
    const query = new URLSearchParams({ state: await this.#clientId.promise, code: this.#proof.code });
    const call = { method: "GET", path: `/api/oauth2-redirect?${query}`, renew: false };
    const answer = await client.call({ ...call, deadlineMs: times.proveDeadlineMs }).catch(() => undefined);
    if (answer === undefined || answer.status >= 500) return "silent";
    const target = answer.headers.get("location") ?? "";
    if (target.endsWith("oauth2-redirect-success")) return "proven";
    return target.endsWith("oauth2-redirect-failure") ? "silent" : "unprovable";
  }

  // One that opens after its end is nobody's: it is closed.
  async #open(): Promise<void> {
    try {
      this.#stream = await this.#options.open(undefined, {
        onMessage: (topic, data) => this.#take(topic, data),
        onTooLong: (topic) => this.#passOver(topic),
        onEnd: () => this.close("PocketBase ended the stream"),
      });
    } catch (error) {
      return this.close(`PocketBase does not open a realtime stream: ${String(error)}`);
    }
    if (this.#isOpen) this.#clientId.resolve(this.#stream.clientId);
    else this.#stream.close();
  }

  #passOver(topic: string): void {
    if (!this.#isOpen) return;
    const collectionId = collectionOf(topic);
    if (collectionId === undefined) return this.close(UNREADABLE);
    this.#options.onTooLong(collectionId);
  }

  #take(topic: string, data: string): void {
    if (!this.#isOpen) return;
    this.#heardMs = this.#options.clock.now();
    if (topic === PROOF_TOPIC) {
      // Anybody who knows the stream's id can send such a message, but not one with this code.
      if (textMember(data, "code") === this.#proof.code) this.#proof.heard.resolve("proven");
      return;
    }
    const change = parseFeedEvent(topic, data);
    if (change === undefined) return this.close(UNREADABLE);
    this.#options.onEvent(change, this);
  }
}
