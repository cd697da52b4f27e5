// The topics that Hapta decides by itself: each event of the change feed is taken once for all subscribers, when
// PocketBase has confirmed that the rules are still the known ones. In doubt it tells a gap, never an event.
import type { CurrentRecords } from "../pocketbase/currentRecords.ts";
import type { FeedEvent } from "../pocketbase/feedEvent.ts";
import type { Feed } from "../pocketbase/feedOptions.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import { CALLER_LATE_MS } from "./callerStates.ts";
import { type Decidable, FedRegister, type FedTopic, readsCaller, readsValues } from "./fedRegister.ts";
import type { FedSource } from "./fedSource.ts";
import { type Arrival, gatherStates, nameOf, readCurrent, readRecords, TOGETHER_MS } from "./recordStates.ts";
import type { StreamOwner } from "./subject.ts";
import { type RecordStates, verdictsOn } from "./verdicts.ts";

export interface FedOptions {
  readonly changes: Pick<Feed, "onEvent" | "onUntold" | "onGap" | "state" | "covers">;
  readonly collections: Pick<LiveSchema, "confirm" | "onChange">;
  /** How a topic is decided for the records of an auth collection; undefined when PocketBase must decide it. */
  readonly read: (topic: string, callersId: string) => Decidable | undefined;
  /** Whether anything may be decided at all. */
  readonly mayDecide: () => boolean;
  readonly currentRecords: CurrentRecords;
  /** Whether PocketBase has said just now that a session's login counts. */
  readonly isAlive: (session: StreamOwner) => Promise<boolean>;
  /** Milliseconds that only grow; the machine's when absent. */
  readonly nowMs?: () => number;
}

/** After a rule was changed, how long events may come that PocketBase judged by the one before. */
const LATE_MS = 2_000;
/** Between two questions to PocketBase while events keep coming: at least, for each event of the last one, and at most. */
const [REST_MS, REST_MS_EACH, REST_MS_MAX] = [20, 2, 100];
/** What may wait for PocketBase's word, in characters. */
const WAITING_CHARS_MAX = 16 * 1024 * 1024;

export class FedTopics {
  readonly #options: FedOptions;
  readonly #register = new FedRegister();
  #waiting: Arrival[] = [];
  #waitingChars = 0;
  /** Those decided last: some may be of a transaction with others that come now, or be judged by a caller's next state. */
  #recent: readonly Arrival[] = [];
  /** Whose records have changed since they were read, and when the first did. */
  #changed = new Set<FedSource>();
  #changedMs = Number.POSITIVE_INFINITY;
  #isAsking = false;
  /** Who has missed something of what is decided or given up now. */
  readonly #missed = new Set<FedSource>();
  readonly #nowMs: () => number;
  readonly #stop: readonly (() => void)[];

  constructor(options: FedOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? performance.now.bind(performance);
    const { changes, collections } = options;
    this.#stop = [
      changes.onEvent((event, isCopy) => this.#hear(event, isCopy)),
      changes.onUntold((collectionId) => this.#noteUntold(collectionId)),
      changes.onGap(() => this.#noteGap()),
      collections.onChange(() => this.#review()),
    ];
  }

  takes(topic: string, callersId: string): boolean {
    const { changes, mayDecide } = this.#options;
    return this.#read(topic, callersId) !== undefined && changes.state() !== "closed" && mayDecide();
  }

  /** A source wants to be told of a topic that {@link takes} has just said yes to. */
  enter(topic: string, source: FedSource): void {
    const found = this.#read(topic, source.record.collectionId);
    if (found !== undefined) this.#register.enter(topic, source, found);
  }

  leave(topic: string, source: FedSource): void {
    this.#register.leave(topic, source);
  }

  /** Whether PocketBase says that a login counts, and what the rules read of the caller. */
  async vouches(source: FedSource, session: StreamOwner): Promise<boolean> {
    const isAlive = this.#options.isAlive(session);
    return (!this.#register.isReadOf(source) || (await this.#readCallers([source]))) && isAlive;
  }

  /** Keeps the feed proven while anybody relies on it. */
  tick(): void {
    if (!this.#register.isEmpty) this.#options.changes.state();
  }

  close(): void {
    for (const stop of this.#stop) stop();
    this.#waiting = [];
  }

  #read(topic: string, callersId: string): Decidable | undefined {
    const { read, changes } = this.#options;
    const found = read(topic, callersId);
    if (found === undefined || !changes.covers(found.rule.collectionId)) return undefined;
    return !found.rule.readsCaller || changes.covers(callersId) ? found : undefined;
  }

  #hear(event: FeedEvent, isCopy: boolean): void {
    if (event.action !== "create") this.#hearOfCaller(event);
    if (!isCopy && this.#register.isWanted(event)) {
      this.#waitingChars += event.text.length;
      this.#waiting.push({ event, atMs: this.#nowMs() });
    }
    if (this.#waitingChars > WAITING_CHARS_MAX) {
      for (const waiting of this.#takeWaiting()) this.#giveUp(waiting.event);
      this.#tellGaps();
    }
    if (!this.#isAsking && this.#isDue) void this.#ask();
  }

  #hearOfCaller(event: FeedEvent): void {
    const source = this.#register.sourceOf(event);
    if (source === undefined) return;
    void source.question();
    if (event.action === "delete" || !this.#register.isReadOf(source)) return;
    const nowMs = this.#nowMs();
    source.states.hear(event.record, nowMs);
    this.#changed.add(source);
    this.#changedMs = Math.min(this.#changedMs, nowMs);
  }

  get #isDue(): boolean {
    return this.#waiting.length > 0 || this.#changed.size > 0;
  }

  #takeWaiting(): readonly Arrival[] {
    const arrivals = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    return arrivals;
  }

  #takeChanged(): { readonly changed: ReadonlySet<FedSource>; readonly sinceMs: number } {
    const taken = { changed: this.#changed, sinceMs: this.#changedMs - CALLER_LATE_MS };
    this.#changed = new Set();
    this.#changedMs = Number.POSITIVE_INFINITY;
    return taken;
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    for (;;) {
      const arrivals = this.#takeWaiting();
      await this.#askOnce(arrivals);
      if (!this.#isDue) break;
      await Bun.sleep(Math.min(REST_MS_MAX, Math.max(REST_MS, arrivals.length * REST_MS_EACH)));
    }
    this.#isAsking = false;
  }

  // One question for all that waits: an event counts by the rules that PocketBase confirms after it.
  async #askOnce(arrivals: readonly Arrival[]): Promise<void> {
    // Of what all may see, or nobody, it is all the same what the records are.
    const judged = new Set(arrivals.filter(({ event }) => this.#hangsOnValues(event)));
    const { changed, sinceMs } = this.#takeChanged();
    const { collections, currentRecords, mayDecide } = this.#options;
    const [isKnown, current, areRead] = await Promise.all([
      collections.confirm(0),
      readCurrent([...judged], currentRecords),
      this.#readCallers([...changed, ...this.#whoMaySee([...judged])]),
      arrivals.some(({ event }) => this.#hasCompany(event)) && Bun.sleep(TOGETHER_MS),
    ]);
    if (!mayDecide()) for (const fed of this.#register.topics) this.#lose(fed);
    const statesOf = gatherStates([...this.#recent, ...judged, ...this.#waiting], current);
    const isSure = isKnown && areRead && current !== undefined;
    for (const arrival of arrivals)
      if (isSure && (judged.has(arrival) || !this.#hangsOnValues(arrival.event)))
        this.#decide(arrival.event, statesOf(arrival));
      else this.#giveUp(arrival.event);
    for (const arrival of this.#recent)
      if (arrival.atMs >= sinceMs) this.#reconsider(arrival.event, statesOf(arrival), changed);
    this.#tellGaps();
    const neededMs = Math.min(this.#waiting[0]?.atMs ?? this.#nowMs(), this.#changedMs) - CALLER_LATE_MS;
    this.#recent = [...this.#recent, ...judged].filter(({ atMs }) => atMs >= neededMs);
  }

  #hangsOnValues(event: FeedEvent): boolean {
    return this.#register.topicsOf(event).some(readsValues);
  }

  // What else is of its transaction may say of the record, or of somebody's login, what counts for it.
  #hasCompany(event: FeedEvent): boolean {
    return this.#register.topicsOf(event).some((fed) => fed.callersId !== "" || readsValues(fed));
  }

  // Only those who would be told must be known for sure: who becomes one comes with a change of his own.
  #whoMaySee(arrivals: readonly Arrival[]): readonly FedSource[] {
    const statesOf = gatherStates([...this.#recent, ...arrivals], undefined);
    return arrivals.flatMap((arrival) =>
      this.#register
        .topicsOf(arrival.event)
        .filter(readsCaller)
        .flatMap((fed) => this.#judge(fed, arrival.event, statesOf(arrival)).map(([source]) => source)),
    );
  }

  /** @returns false when PocketBase does not say. */
  async #readCallers(sources: readonly FedSource[]): Promise<boolean> {
    const askedMs = this.#nowMs();
    const records = sources.map((source) => source.record);
    const found = await readRecords(records, this.#options.currentRecords);
    for (const { record, states } of found === undefined ? [] : sources)
      states.read(found?.get(nameOf(record)), askedMs, this.#nowMs());
    return found !== undefined;
  }

  #judge(
    { rules, sources }: Pick<FedTopic, "rules" | "sources">,
    { text }: FeedEvent,
    states: RecordStates,
  ): ReturnType<typeof verdictsOn<FedSource>> {
    const nowMs = this.#nowMs();
    return verdictsOn({ text, states }, rules, {
      byId: sources,
      statesOf: (source) => source.states.at(nowMs),
    });
  }

  #decide(event: FeedEvent, states: RecordStates): void {
    for (const fed of this.#register.topicsOf(event)) {
      if (this.#nowMs() - fed.changedMs > LATE_MS) fed.rules = fed.rules.slice(-1);
      for (const [source, data] of this.#judge(fed, event, states))
        if (data === undefined) this.#missed.add(source);
        else source.tell(fed.topic, data);
    }
  }

  // An event may have come before the change of somebody's record that PocketBase judged it by.
  #reconsider(event: FeedEvent, states: RecordStates, changed: ReadonlySet<FedSource>): void {
    for (const { rules, sources } of this.#register.topicsOf(event).filter(readsCaller)) {
      const concerned = new Map([...sources].filter(([, source]) => changed.has(source)));
      for (const [source, data] of this.#judge({ rules, sources: concerned }, event, states))
        if (data === undefined) this.#missed.add(source);
    }
  }

  #giveUp(event: FeedEvent): void {
    for (const { sources } of this.#register.topicsOf(event))
      for (const source of sources.values()) this.#missed.add(source);
  }

  // Once for all that was missed: whoever hears of it reads everything anew.
  #tellGaps(): void {
    for (const source of this.#missed) source.tellGap();
    this.#missed.clear();
  }

  // Told when something was lost, and again when changes are told anew: only then is there something to say.
  #noteGap(): void {
    if (this.#options.changes.state() === "closed") return;
    for (const source of this.#register.sources) void source.doubt();
    this.#review();
  }

  // Which record it was nobody says: it may be anybody's account, and one that all may see.
  #noteUntold(collectionId: string): void {
    for (const fed of this.#register.topics)
      if (fed.collectionId === collectionId)
        for (const source of fed.sources.values()) source.tellTooLong(fed.topic);
    for (const source of this.#register.sources)
      if (source.record.collectionId === collectionId) void source.doubt();
  }

  #review(): void {
    // What the feed does not follow now it may follow again when it is back; that is a gap, and looked at then.
    if (this.#options.changes.state() === "closed") return;
    for (const fed of this.#register.topics) {
      const found = this.#read(fed.topic, fed.callersId);
      if (found?.rule.collectionId !== fed.collectionId) this.#lose(fed);
      else if (found.rule !== fed.rules.at(-1)) {
        // A new secret for its tokens, above all, ends all logins of a collection.
        if (found.rule.callers !== fed.rules.at(-1)?.callers)
          for (const source of fed.sources.values()) void source.question();
        fed.rules = [...fed.rules, found.rule];
        fed.changedMs = this.#nowMs();
      }
    }
  }

  #lose(fed: FedTopic): void {
    for (const source of [...fed.sources.values()]) source.lose(fed.topic);
  }
}
