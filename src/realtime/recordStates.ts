// What the records of events are now, and may have been when PocketBase judged them. Decides nothing.
import type { CurrentRecords } from "../pocketbase/currentRecords.ts";
import type { FeedEvent } from "../pocketbase/feedEvent.ts";
import type { RecordStates, RecordValues } from "./verdicts.ts";

/** An event and when it came. */
export interface Arrival {
  readonly event: FeedEvent;
  readonly atMs: number;
}

/** By {@link nameOf}. */
type Current = ReadonlyMap<string, RecordValues>;

/** PocketBase tells the writes of one transaction at once, but not in one piece: they come within so long. */
export const TOGETHER_MS = 5;

/** A record's name among those of all collections. */
export const nameOf = ({ collectionId, recordId }: Pick<FeedEvent, "collectionId" | "recordId">): string =>
  `${collectionId}/${recordId}`;

/** What records are now, those that are there; undefined when PocketBase does not say. */
export const readRecords = async (
  wanted: readonly Pick<FeedEvent, "collectionId" | "recordId">[],
  read: CurrentRecords,
): Promise<Current | undefined> => {
  const current = new Map<string, RecordValues>();
  const reads = [...Map.groupBy(wanted, ({ collectionId }) => collectionId)].map(
    async ([collectionId, records]) => {
      const found = await read(collectionId, [...new Set(records.map(({ recordId }) => recordId))]);
      for (const [recordId, record] of found ?? []) current.set(nameOf({ collectionId, recordId }), record);
      return found !== undefined;
    },
  );
  return (await Promise.all(reads)).every(Boolean) ? current : undefined;
};

/** What the created and updated records are now: what was deleted counts as it was. */
export const readCurrent = (
  arrivals: readonly Arrival[],
  read: CurrentRecords,
): Promise<Current | undefined> =>
  readRecords(
    arrivals.map(({ event }) => event).filter(({ action }) => action !== "delete"),
    read,
  );

/**
 * What a record may have been when PocketBase judged an event. Of one transaction it tells every write, but judges all of
 * them by what the last one left, which is there when the first is told; deletions by what was there before. Nobody sees
 * from outside which writes were one: what is there now counts, and what came together with the event.
 */
export const gatherStates = (
  arrivals: readonly Arrival[],
  current: Current | undefined,
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
