// The topics that Hapta decides by itself: each event of the change feed is taken once for all subscribers, when
// PocketBase has confirmed that the rules are still the known ones. In doubt it tells a gap, never an event.
import type { CurrentRecords } from "../pocketbase/currentRecords.ts";
import type { FeedEvent } from "../pocketbase/feedEvent.ts";
import type { Feed } from "../pocketbase/feedOptions.ts";
import type { LiveSchema } from "../pocketbase/liveSchema.ts";
import type { FedSource } from "./fedSource.ts";
import type { StreamOwner } from "./subject.ts";
import { type RecordStates, type Rule, verdictsOn } from "./verdicts.ts";

export interface FedOptions {
  readonly changes: Pick<Feed, "onEvent" | "onGap" | "state" | "covers">;
  readonly collections: Pick<LiveSchema, "confirm" | "onChange">;
  /** How a topic is decided for the records of an auth collection; undefined when PocketBase must decide it. */
  readonly read: (
    topic: string,
    callersId: string,
  ) => { readonly rule: Rule; readonly recordId: string | undefined } | undefined;
  readonly currentRecords: CurrentRecords;
  /** Whether PocketBase has said just now that a session's login counts. */
  readonly isAlive: (session: StreamOwner) => Promise<boolean>;
  /** Milliseconds that only grow; the machine's when absent. */
  readonly nowMs?: () => number;
}

interface Arrival {
  readonly event: FeedEvent;
  readonly atMs: number;
}

interface FedTopic {
  readonly topic: string;
  readonly callersId: string;
  readonly recordId: string | undefined;
  readonly collectionId: string;
  /** The one in force, and those before it for which events may still be under way. */
  rules: readonly Rule[];
  changedMs: number;
  /** By caller. */
  readonly sources: Map<string, FedSource>;
}

/** After a rule was changed, how long events may come that PocketBase judged by the one before. */
const LATE_MS = 2_000;
/** PocketBase tells the writes of one transaction at once, but not in one piece: they come within so long. */
const TOGETHER_MS = 5;
/** How long an event is remembered for that: it may have been decided late. */
const RECENT_MS = 1_000;
/** Between two questions to PocketBase while events keep coming. */
const REST_MS = 20;
/** What may wait for PocketBase's word, in characters. */
const WAITING_CHARS_MAX = 16 * 1024 * 1024;

export class FedTopics {
  readonly #options: FedOptions;
  readonly #topics = new Map<string, FedTopic>();
  readonly #byCollection = new Map<string, Set<FedTopic>>();
  #waiting: Arrival[] = [];
  /** Of those decided last, what may be of a transaction with others that come now. */
  #recent: readonly Arrival[] = [];
  #waitingChars = 0;
  #isAsking = false;
  readonly #nowMs: () => number;
  readonly #stop: readonly (() => void)[];

  constructor(options: FedOptions) {
    this.#options = options;
    this.#nowMs = options.nowMs ?? performance.now.bind(performance);
    const { changes, collections } = options;
    this.#stop = [
      changes.onEvent((event, isCopy) => {
        if (!isCopy) this.#hear(event);
      }),
      changes.onGap(() => this.#noteGap()),
      collections.onChange(() => this.#review()),
    ];
  }

  takes(topic: string, callersId: string): boolean {
    return this.#read(topic, callersId) !== undefined && this.#options.changes.state() !== "closed";
  }

  /** A source wants to be told of a topic that {@link takes} has just said yes to. */
  enter(topic: string, callersId: string, source: FedSource): void {
    const fed = this.#topics.get(keyOf(topic, callersId)) ?? this.#add(topic, callersId);
    fed?.sources.set(source.callerId, source);
  }

  leave(topic: string, callersId: string, source: FedSource): void {
    const fed = this.#topics.get(keyOf(topic, callersId));
    if (fed === undefined || fed.sources.get(source.callerId) !== source) return;
    fed.sources.delete(source.callerId);
    if (fed.sources.size === 0) this.#remove(fed);
  }

  isAlive(session: StreamOwner): Promise<boolean> {
    return this.#options.isAlive(session);
  }

  /** Keeps the feed proven while anybody relies on it. */
  tick(): void {
    if (this.#topics.size > 0) this.#options.changes.state();
  }

  close(): void {
    for (const stop of this.#stop) stop();
    this.#waiting = [];
  }

  #read(topic: string, callersId: string): ReturnType<FedOptions["read"]> {
    const found = this.#options.read(topic, callersId);
    return found !== undefined && this.#options.changes.covers(found.rule.collectionId) ? found : undefined;
  }

  #add(topic: string, callersId: string): FedTopic | undefined {
    const found = this.#read(topic, callersId);
    if (found === undefined) return undefined;
    const { rule, recordId } = found;
    const { collectionId } = rule;
    const fed: FedTopic = {
      ...{ topic, callersId, recordId, collectionId, rules: [rule] },
      changedMs: Number.NEGATIVE_INFINITY,
      sources: new Map(),
    };
    this.#topics.set(keyOf(topic, callersId), fed);
    const ofCollection = this.#byCollection.get(collectionId) ?? new Set();
    this.#byCollection.set(collectionId, ofCollection.add(fed));
    return fed;
  }

  #remove(fed: FedTopic): void {
    this.#topics.delete(keyOf(fed.topic, fed.callersId));
    const ofCollection = this.#byCollection.get(fed.collectionId);
    ofCollection?.delete(fed);
    if (ofCollection?.size === 0) this.#byCollection.delete(fed.collectionId);
  }

  #hear(event: FeedEvent): void {
    if (!this.#byCollection.has(event.collectionId)) return;
    this.#waitingChars += event.text.length;
    this.#waiting.push({ event, atMs: this.#nowMs() });
    if (this.#waitingChars > WAITING_CHARS_MAX) {
      for (const waiting of this.#takeWaiting()) this.#giveUp(waiting.event);
    } else if (!this.#isAsking) void this.#ask();
  }

  #takeWaiting(): readonly Arrival[] {
    const arrivals = this.#waiting;
    this.#waiting = [];
    this.#waitingChars = 0;
    return arrivals;
  }

  // One question for all that waits: an event counts by the rules that PocketBase confirms after it.
  async #ask(): Promise<void> {
    this.#isAsking = true;
    for (;;) {
      const arrivals = this.#takeWaiting();
      const [isKnown, current] = await Promise.all([
        this.#options.collections.confirm(0),
        readCurrent(arrivals, this.#options.currentRecords),
        Bun.sleep(TOGETHER_MS),
      ]);
      const statesOf = gatherStates([...this.#recent, ...arrivals, ...this.#waiting], current);
      for (const arrival of arrivals)
        if (isKnown && current !== undefined) this.#decide(arrival.event, statesOf(arrival));
        else this.#giveUp(arrival.event);
      this.#recent = arrivals.filter(({ atMs }) => this.#nowMs() - atMs < RECENT_MS);
      if (this.#waiting.length === 0) break;
      await Bun.sleep(REST_MS);
    }
    this.#isAsking = false;
  }

  #decide(event: FeedEvent, states: RecordStates): void {
    for (const fed of this.#topicsOf(event)) {
      if (this.#nowMs() - fed.changedMs > LATE_MS) fed.rules = fed.rules.slice(-1);
      const { data, verdicts } = verdictsOn({ text: event.text, states }, fed.rules, fed.sources);
      for (const [source, isSeen] of verdicts)
        if (isSeen === true && data !== undefined) source.tell(fed.topic, data);
        else source.tellGap();
    }
  }

  #giveUp(event: FeedEvent): void {
    for (const { sources } of this.#topicsOf(event)) for (const source of sources.values()) source.tellGap();
  }

  #topicsOf({ collectionId, recordId }: FeedEvent): readonly FedTopic[] {
    const all = [...(this.#byCollection.get(collectionId) ?? [])];
    return all.filter((fed) => fed.recordId === undefined || fed.recordId === recordId);
  }

  // Told when something was lost, and again when changes are told anew: only then is there something to say.
  #noteGap(): void {
    if (this.#options.changes.state() === "closed") return;
    const sources = new Set<FedSource>();
    for (const fed of this.#topics.values()) for (const source of fed.sources.values()) sources.add(source);
    for (const source of sources) void source.doubt();
    this.#review();
  }

  #review(): void {
    for (const fed of [...this.#topics.values()]) {
      const found = this.#read(fed.topic, fed.callersId);
      if (found?.rule.collectionId !== fed.collectionId) this.#lose(fed);
      else if (found.rule !== fed.rules.at(-1)) {
        fed.rules = [...fed.rules, found.rule];
        fed.changedMs = this.#nowMs();
      }
    }
  }

  #lose(fed: FedTopic): void {
    for (const source of [...fed.sources.values()]) source.lose(fed.topic);
  }
}

const keyOf = (topic: string, callersId: string): string => `${callersId}/${topic}`;

const nameOf = ({ collectionId, recordId }: Pick<FeedEvent, "collectionId" | "recordId">): string =>
  `${collectionId}/${recordId}`;

/** What the created and updated records are now, by name; undefined when PocketBase does not say. */
const readCurrent = async (
  arrivals: readonly Arrival[],
  read: CurrentRecords,
): Promise<ReadonlyMap<string, RecordStates[number]> | undefined> => {
  const kept = arrivals.map(({ event }) => event).filter(({ action }) => action !== "delete");
  const current = new Map<string, RecordStates[number]>();
  const reads = [...Map.groupBy(kept, ({ collectionId }) => collectionId)].map(
    async ([collectionId, events]) => {
      const found = await read(collectionId, [...new Set(events.map(({ recordId }) => recordId))]);
      for (const [recordId, record] of found ?? []) current.set(nameOf({ collectionId, recordId }), record);
      return found !== undefined;
    },
  );
  return (await Promise.all(reads)).every(Boolean) ? current : undefined;
};

/**
 * What a record may have been when PocketBase judged an event. Of one transaction it tells every write, but judges all of
 * them by what the last one left, which is there when the first is told; deletions by what was there before. Nobody sees
 * from outside which writes were one: what is there now counts, and what came together with the event.
 */
const gatherStates = (
  arrivals: readonly Arrival[],
  current: Awaited<ReturnType<typeof readCurrent>>,
): ((one: Arrival) => RecordStates) => {
  const byRecord = Map.groupBy(arrivals, ({ event }) => nameOf(event));
  return ({ event, atMs }) => {
    const name = nameOf(event);
    const together = byRecord.get(name)?.filter((other) => Math.abs(other.atMs - atMs) <= TOGETHER_MS) ?? [];
    const now = event.action === "delete" ? undefined : current?.get(name);
    return [
      event.record,
      ...together.map((other) => other.event.record),
      ...(now === undefined ? [] : [now]),
    ];
  };
};
