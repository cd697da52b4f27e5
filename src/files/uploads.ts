// Uploads of all kinds: what has become of forms since the start of this process, and the spool of resumable ones.
import { join } from "node:path";
import { Spool } from "./spool.ts";

/** Counts of forms with files on their way to PocketBase. */
export interface UploadCounts {
  /** Forms that are flowing at this moment. */
  underway: number;
  /** Forms whose end PocketBase was given. */
  whole: number;
  /** Forms that were refused here. */
  refused: number;
  /** Forms that broke off: the client left, its session ended, or PocketBase was gone. */
  broken: number;
  /** Bytes of all of them, as they came. */
  bytes: number;
}

/** Counts from zero. */
export const createUploadCounts = (): UploadCounts => ({
  underway: 0,
  whole: 0,
  refused: 0,
  broken: 0,
  bytes: 0,
});

/** Uploads of this process. */
export interface Uploads {
  /** Of forms with files. */
  readonly counts: UploadCounts;
  /** Resumable ones that are not in their records yet. */
  readonly spool: Spool;
}

/** Opens the folder `spool` of the data folder. */
export const openUploads = (dataDir: string, spoolBytesMax: number): Uploads => ({
  counts: createUploadCounts(),
  spool: new Spool(join(dataDir, "spool"), spoolBytesMax),
});
