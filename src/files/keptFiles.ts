// Kept files with what says whether they still count. What that is, is handed in: this folder knows no writes.
import { join } from "node:path";
import { FileCache } from "./fileCache.ts";
import type { FileLease } from "./fileEntry.ts";

/** Kept files, and whether they can be relied on. */
export interface KeptFiles {
  readonly cache: FileCache;
  /** Holds until a record of the collection may have changed; undefined while one is being written. */
  readonly lease: (collectionId: string) => FileLease | undefined;
  /** Changes may go unnoticed at the moment: nothing kept is served. */
  readonly isClosed: (collectionId: string) => boolean;
}

interface KeptFilesOptions extends Omit<KeptFiles, "cache"> {
  readonly dataDir: string;
  /** 0: nothing is kept. */
  readonly bytesMax: number;
  readonly warn: (message: string) => void;
}

/** Opens the folder `files` of the data folder; undefined when nothing is to be kept. */
export const openFileCache = ({
  dataDir,
  lease,
  isClosed,
  ...rest
}: KeptFilesOptions): KeptFiles | undefined =>
  rest.bytesMax === 0
    ? undefined
    : { cache: new FileCache({ dir: join(dataDir, "files"), ...rest }), lease, isClosed };
