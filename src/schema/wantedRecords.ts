// The records that a body relates to, taken down while it is judged as if they were there. Asks nobody.

/** One of them. */
interface WantedRecord {
  readonly collectionId: string;
  readonly id: string;
}

/** More are not asked for: what depends on them is PocketBase's to judge. */
const WANTED_MAX = 4;
/** What stands in a path as it is. */
const PLAIN_ID = /^[\w-]{1,100}$/;

export class WantedRecords {
  readonly #byKey = new Map<string, WantedRecord>();

  /** Takes the record down. */
  add(collectionId: string, id: string): void {
    this.#byKey.set(`${collectionId}/${id}`, { collectionId, id });
  }

  get isEmpty(): boolean {
    return this.#byKey.size === 0;
  }

  /** Paths at which PocketBase shows them; undefined when they are too many, or one has an id like no other. */
  paths(): readonly string[] | undefined {
    const wanted = [...this.#byKey.values()];
    if (wanted.length > WANTED_MAX || !wanted.every(({ id }) => PLAIN_ID.test(id))) return undefined;
    return wanted.map(({ collectionId, id }) => `/api/collections/${collectionId}/records/${id}?fields=id`);
  }
}
