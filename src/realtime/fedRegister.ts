// The topics that Hapta decides by itself, and who wants them. Hears of nothing and decides nothing.
import type { FeedEvent } from "../pocketbase/feedEvent.ts";
import type { FedSource } from "./fedSource.ts";
import { nameOf } from "./recordStates.ts";
import type { Rule } from "./verdicts.ts";

/** One topic for the records of one auth collection, or for guests. */
export interface FedTopic {
  readonly topic: string;
  /** Collection id of the callers; "" for guests. */
  readonly callersId: string;
  readonly recordId: string | undefined;
  readonly collectionId: string;
  /** The one in force, and those before it for which events may still be under way. */
  rules: readonly Rule[];
  changedMs: number;
  /** By caller; of guests there is one for all. */
  readonly sources: Map<string, FedSource>;
}

/** How a topic is decided. */
export interface Decidable {
  readonly rule: Rule;
  /** Undefined for all records. */
  readonly recordId: string | undefined;
}

/** Topics of the same records. Never changed, but replaced: whoever goes through them may change what is wanted. */
type Alike = readonly FedTopic[];

/** Stands for all records of a collection: none has this id. */
const ALL = "*";
const NONE: Alike = [];

export class FedRegister {
  readonly #topics = new Map<string, FedTopic>();
  /** By collection, and by the record they are about, or {@link ALL}. */
  readonly #places = new Map<string, Map<string, Alike>>();
  /** By the names of the callers' records. */
  readonly #sources = new Map<string, FedSource>();

  /** All topics now. */
  get topics(): readonly FedTopic[] {
    return [...this.#topics.values()];
  }

  /** All who want any. */
  get sources(): readonly FedSource[] {
    return [...this.#sources.values()];
  }

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  /** @param found - How the topic is decided, when nobody wants it yet. */
  enter(topic: string, source: FedSource, found: Decidable): void {
    const { collectionId } = source.record;
    const fed = this.#topics.get(keyOf(topic, collectionId)) ?? this.#add(topic, collectionId, found);
    fed.sources.set(source.record.recordId, source);
    this.#sources.set(nameOf(source.record), source);
  }

  leave(topic: string, source: FedSource): void {
    const fed = this.#topics.get(keyOf(topic, source.record.collectionId));
    if (fed === undefined || fed.sources.get(source.record.recordId) !== source) return;
    fed.sources.delete(source.record.recordId);
    if (fed.sources.size === 0) this.#remove(fed);
    const name = nameOf(source.record);
    if (source.topics.size === 0 && this.#sources.get(name) === source) this.#sources.delete(name);
  }

  /** Whether anybody wants to hear of an event. Asked about every change there is. */
  isWanted(event: FeedEvent): boolean {
    return this.topicsOf(event).length > 0;
  }

  /** The topics that an event is of. */
  topicsOf({ collectionId, recordId }: FeedEvent): readonly FedTopic[] {
    const place = this.#places.get(collectionId);
    const [ofAll = NONE, ofOne] = [place?.get(ALL), place?.get(recordId)];
    return ofOne === undefined ? ofAll : [...ofAll, ...ofOne];
  }

  /** Who listens as this record. */
  sourceOf(record: FedSource["record"]): FedSource | undefined {
    return this.#sources.get(nameOf(record));
  }

  /** Whether a rule of anything that somebody wants reads more of him than the id. */
  isReadOf({ topics, record }: FedSource): boolean {
    return [...topics].some((topic) => {
      const fed = this.#topics.get(keyOf(topic, record.collectionId));
      return fed !== undefined && readsCaller(fed);
    });
  }

  #add(topic: string, callersId: string, { rule, recordId }: Decidable): FedTopic {
    const { collectionId } = rule;
    const fed: FedTopic = {
      ...{ topic, callersId, recordId, collectionId, rules: [rule] },
      changedMs: Number.NEGATIVE_INFINITY,
      sources: new Map(),
    };
    this.#topics.set(keyOf(topic, callersId), fed);
    this.#change(fed, (alike) => [...alike, fed]);
    return fed;
  }

  #remove(fed: FedTopic): void {
    this.#topics.delete(keyOf(fed.topic, fed.callersId));
    this.#change(fed, (alike) => alike.filter((one) => one !== fed));
  }

  #change({ collectionId, recordId = ALL }: FedTopic, change: (alike: Alike) => Alike): void {
    const place = this.#places.get(collectionId) ?? new Map<string, Alike>();
    this.#places.set(collectionId, place);
    const alike = change(place.get(recordId) ?? NONE);
    if (alike.length > 0) place.set(recordId, alike);
    else place.delete(recordId);
    if (place.size === 0) this.#places.delete(collectionId);
  }
}

/** Whether a rule of the topic reads more of its callers than the id. */
export const readsCaller = ({ rules }: Pick<FedTopic, "rules">): boolean =>
  rules.some((rule) => rule.readsCaller);

/** Whether what a rule of the topic says hangs on the record, or on more of its callers than the id. */
export const readsValues = ({ rules }: Pick<FedTopic, "rules">): boolean =>
  rules.some((rule) => rule.readsRecord || rule.readsCaller);

const keyOf = (topic: string, callersId: string): string => `${callersId}/${topic}`;
