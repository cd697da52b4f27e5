// The items of a batch whose payload Hapta has checked and written itself. Judges nothing.

/** One sub-request. */
export interface BatchItem {
  /** In capitals; "" when there is none, which PocketBase refuses. */
  readonly method: string;
  /** Path and query; "" when there is none. */
  readonly url: string;
  /** PocketBase takes null for an empty one. */
  readonly body: Readonly<Record<string, unknown>>;
}

const NONE: readonly BatchItem[] = [];

// Several stages look at the same payload.
const known = new WeakMap<Uint8Array, readonly BatchItem[]>();

/** Keeps the items of a payload for those who ask for them: whoever wrote it has read them already. */
export const keepBatchItems = (
  payload: Uint8Array,
  items: readonly Partial<Record<keyof BatchItem, unknown>>[],
): void => {
  known.set(payload, items.map(toItem));
};

/** The items in order; none without a payload. Read once for each payload, O(size). */
export const batchItemsOf = (payload: Uint8Array | undefined): readonly BatchItem[] => {
  if (payload === undefined) return NONE;
  const before = known.get(payload);
  if (before !== undefined) return before;
  const { requests } = JSON.parse(Buffer.from(payload).toString("utf8")) as {
    readonly requests: readonly Partial<Record<keyof BatchItem, unknown>>[];
  };
  const items = requests.map(toItem);
  known.set(payload, items);
  return items;
};

const toItem = ({ method, url, body }: Partial<Record<keyof BatchItem, unknown>>): BatchItem => ({
  method: typeof method === "string" ? method.toUpperCase() : "",
  url: typeof url === "string" ? url : "",
  body: Object.fromEntries(Object.entries(body ?? {})),
});
