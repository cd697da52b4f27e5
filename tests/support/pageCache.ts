// What of a file the kernel has in memory: dropped and read by tests, on systems where that can be told to it (Linux, most
// disks; neither tmpfs nor overlays).
import { dlopen, FFIType } from "bun:ffi";
import { closeSync, fsyncSync, openSync, readSync } from "node:fs";
import { sendFile } from "../../src/http/sendFile.ts";
import { createSocketPairs } from "./socketPairs.ts";

const DONTNEED = 4;
const RANDOM = 1;

const advise = (fd: number, advice: number): void => {
  const args = [FFIType.i32, FFIType.i64, FFIType.i64, FFIType.i32];
  const libc = dlopen("libc.so.6", { posix_fadvise: { args, returns: FFIType.i32 } });
  libc.symbols.posix_fadvise(fd, 0, 0, advice);
  libc.close();
};

/** Has the kernel forget a file, and read again only the single bytes at these places with the page that each is in. */
export const keepOnly = (path: string, places: readonly number[] = []): void => {
  const fd = openSync(path, "r+");
  try {
    fsyncSync(fd);
    advise(fd, RANDOM);
    advise(fd, DONTNEED);
    for (const at of places) readSync(fd, Buffer.alloc(1), 0, 1, at);
  } finally {
    closeSync(fd);
  }
};

/** Whether bytes of this file can be sent unread here. */
export const canSendFiles = async (path: string): Promise<boolean> => {
  using sockets = createSocketPairs();
  const { socket } = await sockets.open();
  const fd = openSync(path, "r");
  try {
    readSync(fd, Buffer.alloc(1), 0, 1, 0);
    return sendFile(socket.fd ?? -1, { fd, from: 0, length: 1 }) === 1;
  } finally {
    closeSync(fd);
  }
};
