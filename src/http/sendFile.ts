// Sends parts of open files on sockets without reading them: the kernel does, from the pages that it has in memory (sendfile(2)
// of Linux); reads of them what it has there. Never waits for a disk, opens and closes nothing, and holds no descriptor.
import { dlopen, FFIType, ptr } from "bun:ffi";

/** Bytes of an open file; all three count in bytes but `fd`, which is its descriptor. */
export interface FileSpan {
  readonly fd: number;
  readonly from: number;
  readonly length: number;
}

type SendFile = (socketFd: number, span: FileSpan) => number;
type ReadAtHand = (fd: number, from: number, bytes: Uint8Array) => number;

interface Calls {
  readonly sendFile: SendFile;
  readonly readAtHand: ReadAtHand;
}

/** Flag of preadv2(2): what is not in memory is an error, not a wait. */
const RWF_NOWAIT = 8;
/** The kernel reads and drops the pages of a file in runs: one byte of so many is looked at. */
const STRIDE_BYTES = 65_536;

const LIBC = {
  sendfile: { args: ["i32", "i32", "ptr", "usize"], returns: FFIType.i64_fast },
  preadv2: { args: ["i32", "ptr", "i32", "i64", "i32"], returns: FFIType.i64_fast },
} as const;

const NO_CALLS: Calls = { sendFile: () => 0, readAtHand: () => 0 };

// Another system, another libc or no right to load one: everything is read and written then.
const load = (): Calls => {
  if (process.platform !== "linux") return NO_CALLS;
  try {
    return createCalls(dlopen("libc.so.6", LIBC).symbols);
  } catch {
    return NO_CALLS;
  }
};

type Libc = ReturnType<typeof dlopen<typeof LIBC>>["symbols"];

// What the kernel writes to lives as long as the process.
const byte = new Uint8Array(new ArrayBuffer(1));
const offset = new BigInt64Array(new ArrayBuffer(8));

const createCalls = ({ sendfile, preadv2 }: Libc): Calls => {
  const place = new BigUint64Array(2);
  const readAtHand: ReadAtHand = (fd, from, bytes) => {
    place[0] = BigInt(ptr(bytes));
    place[1] = BigInt(bytes.length);
    return Math.max(0, Number(preadv2(fd, place, 1, from, RWF_NOWAIT)));
  };
  const isAtHand = (fd: number, at: number): boolean => readAtHand(fd, at, byte) === 1;
  const sendFile: SendFile = (socketFd, { fd, from, length }) => {
    const last = from + length - 1;
    for (let at = from; at < last; at += STRIDE_BYTES) if (!isAtHand(fd, at)) return 0;
    if (!isAtHand(fd, last)) return 0;
    offset[0] = BigInt(from);
    return Math.max(0, Number(sendfile(socketFd, fd, offset, length)));
  };
  return { sendFile, readAtHand };
};

let known: Calls | undefined;
const calls = (): Calls => {
  known ??= load();
  return known;
};

/**
 * Sends what a socket takes of a part of a file, right now.
 *
 * @param socketFd - Descriptor of a socket that does not block, asked for in this very turn: a closed one's number may
 *   be another client's by the next.
 * @param span - At least one byte. The file must not be changed in place while the kernel may still send from it.
 * @returns Bytes taken, from the first on. 0 when none can be sent so: the socket is full or broken, the bytes are not in
 *   memory (or not there), or the system has no such call. Whoever reads and writes them instead learns which.
 */
export const sendFile: SendFile = (socketFd, span) => calls().sendFile(socketFd, span);

/**
 * Reads what the kernel has in memory of an open file, right now.
 *
 * @param bytes - At least one; filled from its beginning with what stands in the file from `from` on.
 * @returns How many bytes came. 0 when they would have to be waited for, are not there, or the system has no such call.
 */
export const readAtHand: ReadAtHand = (fd, from, bytes) => calls().readAtHand(fd, from, bytes);
