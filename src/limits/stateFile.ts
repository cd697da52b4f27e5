// What the limits remember over a restart, in one file: a line of JSON and the table's live entries behind it. A file
// that is not whole counts as none.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { z } from "zod";
import type { SavedEntry } from "./limitTable.ts";

/** What is kept. */
export interface LimitsState {
  /** Saved at the end; else by the way, and what was spent since is not in it. */
  readonly isFinal: boolean;
  /** Unix milliseconds of the saving. */
  readonly savedMs: number;
  readonly hashKey: readonly [number, number];
  /** Slots of the table: entries fit a table of the same size only. */
  readonly size: number;
  /** Hashes of known devices, and until when. */
  readonly devices: readonly (readonly [string, number])[];
  /** `tat` in ticks from the moment of saving. */
  readonly entries: readonly SavedEntry[];
}

const ENTRY_BYTES = 16;
const VERSION = 1;

const uint32 = z.int().min(0).max(0xffff_ffff);
const header = z.strictObject({
  version: z.literal(VERSION),
  isFinal: z.boolean(),
  savedMs: z.number(),
  hashKey: z.tuple([uint32, uint32]),
  size: z.int().min(0),
  devices: z.array(z.tuple([z.string(), z.number()])),
  count: z.int().min(0),
});

/** Writes the file whole, for its owner's eyes only. @throws the system's error */
export const saveState = (path: string, { entries, ...rest }: LimitsState): void => {
  const line = `${JSON.stringify({ version: VERSION, ...rest, count: entries.length })}\n`;
  const bytes = Buffer.alloc(entries.length * ENTRY_BYTES);
  for (const [index, { slot, fingerprint, tat }] of entries.entries()) {
    bytes.writeUInt32LE(slot, index * ENTRY_BYTES);
    bytes.writeUInt32LE(fingerprint, index * ENTRY_BYTES + 4);
    bytes.writeDoubleLE(tat, index * ENTRY_BYTES + 8);
  }
  writeFileSync(`${path}.new`, Buffer.concat([Buffer.from(line), bytes]), { mode: 0o600 });
  renameSync(`${path}.new`, path);
};

/** Reads the file; undefined when there is none, or it is not whole. */
export const loadState = (path: string): LimitsState | undefined => {
  try {
    const file = readFileSync(path);
    const end = file.indexOf(10);
    const { version: _, count, ...rest } = header.parse(JSON.parse(file.toString("utf8", 0, end)));
    const bytes = file.subarray(end + 1);
    if (bytes.length !== count * ENTRY_BYTES) return undefined;
    const entries = Array.from({ length: count }, (_entry, index) => ({
      slot: bytes.readUInt32LE(index * ENTRY_BYTES),
      fingerprint: bytes.readUInt32LE(index * ENTRY_BYTES + 4),
      tat: bytes.readDoubleLE(index * ENTRY_BYTES + 8),
    }));
    return { ...rest, entries };
  } catch {
    return undefined; // not there, or damaged: what was spent is forgiven
  }
};
