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

export class FedRegister {
  readonly #topics = new Map<string, FedTopic>();
  /** By the names of the records they are about, or {@link nameOfAll}. */
  readonly #byName = new Map<string, Set<FedTopic>>();
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
    return !this.isEmpty && (this.#byName.has(nameOfAll(event)) || this.#byName.has(nameOf(event)));
  }

  /** The topics that an event is of. */
  topicsOf(event: FeedEvent): readonly FedTopic[] {
    const [ofAll = [], ofOne = []] = [this.#byName.get(nameOfAll(event)), this.#byName.get(nameOf(event))];
    return [...ofAll, ...ofOne];
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
    const name = placeOf(fed);
    this.#byName.set(name, (this.#byName.get(name) ?? new Set()).add(fed));
    return fed;
  }

  #remove(fed: FedTopic): void {
    this.#topics.delete(keyOf(fed.topic, fed.callersId));
    const name = placeOf(fed);
    const alike = this.#byName.get(name);
    alike?.delete(fed);
    if (alike?.size === 0) this.#byName.delete(name);
  }
}

/** Whether a rule of the topic reads more of its callers than the id. */
export const readsCaller = ({ rules }: Pick<FedTopic, "rules">): boolean =>
  rules.some((rule) => rule.readsCaller);

/** Whether what a rule of the topic says hangs on the record, or on more of its callers than the id. */
export const readsValues = ({ rules }: Pick<FedTopic, "rules">): boolean =>
  rules.some((rule) => rule.readsRecord || rule.readsCaller);

/** Of all records of a collection: no record has this id. */
const nameOfAll = ({ collectionId }: Pick<FedTopic, "collectionId">): string => `${collectionId}/*`;

const placeOf = ({ collectionId, recordId }: FedTopic): string =>
  recordId === undefined ? nameOfAll({ collectionId }) : nameOf({ collectionId, recordId });

const keyOf = (topic: string, callersId: string): string => `${callersId}/${topic}`;
