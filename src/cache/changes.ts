// Turns what has changed into the names that move: precisely where the feed told what a record was and is, widely where
// that is not certain. Asks nobody.
import type { Collection } from "../pocketbase/collection.ts";
import type { FeedEvent } from "../pocketbase/feedEvent.ts";
import { Hearings } from "./hearings.ts";
import { Images, type RecordChange, type RecordShape } from "./images.ts";
import { Interests } from "./interests.ts";
import { UNHEARD, type Versions } from "./versions.ts";
import { callerOf, collectionIn, EVERYTHING, recordIn, recordOf } from "./written.ts";

/** How precise changes were. */
export interface ChangeCounts {
  /** Changes of records that the feed told. */
  changes: number;
  /** Kinds of answers that could have been concerned by them, and those that provably were not. */
  kinds: number;
  spared: number;
}

/** Everything that moves because of something that has changed. */
export class Changes {
  readonly interests = new Interests();
  readonly hearings = new Hearings();
  readonly counts: ChangeCounts = { changes: 0, kinds: 0, spared: 0 };
  readonly #images: Images;
  readonly #versions: Versions;
  readonly #distrusted = new Set<string>();
  #turn = 0;
  readonly #shapes = new WeakMap<Collection, RecordShape>();

  constructor(versions: Versions, images = new Images()) {
    this.#versions = versions;
    this.#images = images;
  }

  /** How often something was told; see {@link tell}. */
  get turn(): number {
    return this.#turn;
  }

  /** Takes in a change that the feed tells. @param collection - Undefined when it is not known. */
  tell(event: FeedEvent, collection: Collection | undefined): void {
    const { collectionId, recordId, action, record } = event;
    const cause = "the change feed";
    this.#turn += 1;
    if (collection === undefined) this.move([EVERYTHING], cause);
    else if (this.#distrusted.has(collectionId)) this.move([recordOf(collectionId, recordId)], cause);
    else {
      const change = this.#images.take(event, this.#shapeOf(collection));
      if (change !== undefined) this.#touch(change, cause);
    }
    this.#versions.move([callerOf(collectionId, recordId)], cause);
    this.hearings.tell({ collectionId, recordId, action, record });
  }

  /** Takes in what somebody else is about to be told of a change, unless the feed has told it: of `record` a part is shown. */
  glimpse(told: FeedEvent, collection: Collection): void {
    const { collectionId, recordId } = told;
    const cause = "a realtime event";
    if (this.#distrusted.has(collectionId)) this.move([recordOf(collectionId, recordId)], cause);
    else {
      const change = this.#images.glimpse(told, this.#shapeOf(collection));
      if (change === undefined) return;
      this.#versions.move(this.interests.touchedBy(change).names, cause);
    }
    this.#versions.move([callerOf(collectionId, recordId)], cause);
  }

  /**
   * Moves what is named, and all that lies within it: `*` is everything, `c:` a collection, `x:` whatever one record of
   * it may be a part of.
   */
  move(names: Iterable<string>, cause: string): void {
    for (const name of names) {
      const collectionId = collectionIn(name);
      const recordId = recordIn(name);
      if (collectionId === undefined) this.#versions.move([name], cause);
      else if (recordId === undefined) this.#versions.move(this.interests.allOf(collectionId), cause);
      else {
        const unknown = { action: "update", before: undefined, after: undefined, isAlone: false } as const;
        this.#versions.move(this.interests.touchedBy({ collectionId, recordId, ...unknown }).names, cause);
      }
    }
  }

  /** As {@link move}, for what a write has changed, or may have, of which the feed has not told. */
  moveUntold(names: Iterable<string>, cause: string): void {
    for (const name of names) {
      const collectionId = collectionIn(name);
      if (collectionId !== undefined) this.#images.doubt(collectionId, recordIn(name));
      else if (name === EVERYTHING) this.#images.clear();
      this.move([name], cause);
    }
  }

  /** A kept answer was not what it should have been: what the feed tells of these records is not enough any more. */
  distrust(names: Iterable<string>): void {
    for (const name of names) this.#distrusted.add(collectionIn(name) ?? "");
  }

  /** Moves what is named, as something may have happened to it of which nobody told. */
  forget(name: string, cause: string): void {
    this.#images.clear();
    this.move([name], cause);
  }

  /** From now on changes go untold. */
  lose(cause: string): void {
    this.forget(UNHEARD, cause);
  }

  /** Changes may have gone untold. */
  gap(cause: string): void {
    this.forget(EVERYTHING, cause);
  }

  /** Collections are other than they were. */
  remake(cause: string): void {
    this.gap(cause);
    this.interests.clear();
  }

  #touch(change: RecordChange, cause: string): void {
    const { names, kinds, spared } = this.interests.touchedBy(change);
    this.counts.changes += 1;
    this.counts.kinds += kinds;
    this.counts.spared += spared;
    this.#versions.move(names, cause);
  }

  #shapeOf(collection: Collection): RecordShape {
    const known = this.#shapes.get(collection);
    if (known !== undefined) return known;
    const isTold = (name: string): boolean => collection.type !== "auth" || !SECRETS.has(name);
    const stamp = collection.fields.find(
      ({ type, options }) => type === "autodate" && options["onUpdate"] === true,
    );
    const names = collection.fields.map(({ name }) => name).filter(isTold);
    const shape = { fields: new Set(names), stampField: stamp?.name };
    this.#shapes.set(collection, shape);
    return shape;
  }
}

/** Fields of accounts that nobody is ever shown. */
const SECRETS: ReadonlySet<string> = new Set(["password", "tokenKey"]);
