// Kept files with what says whether they still count. What that is, is handed in: this folder knows no writes.
import { mkdirSync, readdirSync, statfsSync, statSync } from "node:fs";
import { join } from "node:path";
import { FileCache } from "./fileCache.ts";
import type { FileLease } from "./fileEntry.ts";

/** What became of downloads that might be kept, since the start of this process. */
export interface DownloadCounts {
  hits: number;
  /** Hits for which PocketBase was asked whether the file is still there. */
  renewed: number;
  misses: number;
  /** Asked of PocketBase because nothing kept could be relied on, or for what is rare. */
  bypasses: number;
}

/** Kept files, and whether they can be relied on. */
export interface KeptFiles {
  readonly cache: FileCache;
  readonly counts: DownloadCounts;
  /** Holds until the record may have changed. */
  readonly lease: (collectionId: string, recordId: string) => FileLease;
  /** Changes may go unnoticed at the moment: nothing kept is served. */
  readonly isClosed: (collectionId: string) => boolean;
  /** Waits for the doubts that a moment's proof can end. Never rejects. */
  readonly reopened: () => Promise<void>;
}

interface KeptFilesOptions extends Omit<KeptFiles, "cache" | "counts"> {
  readonly dataDir: string;
  /** 0: nothing is kept. */
  readonly bytesMax: number;
  readonly warn: (message: string) => void;
}

/** Opens the folder `files` of the data folder; undefined when nothing is to be kept. */
export const openFileCache = ({
  dataDir,
  bytesMax,
  warn,
  ...relied
}: KeptFilesOptions): KeptFiles | undefined => {
  if (bytesMax === 0) return undefined;
  const dir = join(dataDir, "files");
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const room = roomIn(dir);
  if (room < bytesMax) warn(`kept files have ${room} bytes, not ${bytesMax}: half of what is free`);
  const cache = new FileCache({ dir, bytesMax: Math.min(bytesMax, room), warn });
  return { cache, counts: { hits: 0, renewed: 0, misses: 0, bypasses: 0 }, ...relied };
};

// Half of what is free, and of what is kept already: sessions and uploads need the disk more.
const roomIn = (dir: string): number => {
  const { bavail, bsize } = statfsSync(dir);
  const own = readdirSync(dir).reduce((bytes, name) => bytes + bytesOf(join(dir, name)), 0);
  return Math.floor((bavail * bsize + own) / 2);
};

const bytesOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
