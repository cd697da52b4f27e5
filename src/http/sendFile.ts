// Sends parts of open files on sockets without reading them: the kernel does, from the pages that it has in memory (sendfile(2)
// of Linux). Never waits for a disk, opens and closes nothing, and holds no descriptor.
import { dlopen, FFIType, ptr } from "bun:ffi";

/** Bytes of an open file; all three count in bytes but `fd`, which is its descriptor. */
export interface FileSpan {
  readonly fd: number;
  readonly from: number;
  readonly length: number;
}

type SendFile = (socketFd: number, span: FileSpan) => number;

/** Flag of preadv2(2): what is not in memory is an error, not a wait. */
const RWF_NOWAIT = 8;
/** The kernel reads and drops the pages of a file in runs: one byte of so many is looked at. */
const STRIDE_BYTES = 65_536;

const LIBC = {
  sendfile: { args: ["i32", "i32", "ptr", "usize"], returns: FFIType.i64_fast },
  preadv2: { args: ["i32", "ptr", "i32", "i64", "i32"], returns: FFIType.i64_fast },
} as const;

const sendNothing: SendFile = () => 0;

// Another system, another libc or no right to load one: everything is read and written then.
const load = (): SendFile => {
  if (process.platform !== "linux") return sendNothing;
  try {
    return createSendFile(dlopen("libc.so.6", LIBC).symbols);
  } catch {
    return sendNothing;
  }
};

type Libc = ReturnType<typeof dlopen<typeof LIBC>>["symbols"];

// What the kernel writes to lives as long as the process.
const byte = new Uint8Array(new ArrayBuffer(1));
const offset = new BigInt64Array(new ArrayBuffer(8));

const createSendFile = ({ sendfile, preadv2 }: Libc): SendFile => {
  const intoByte = new BigUint64Array([BigInt(ptr(byte)), 1n]);
  const isAtHand = (fd: number, at: number): boolean =>
    Number(preadv2(fd, intoByte, 1, at, RWF_NOWAIT)) === 1;
  return (socketFd, { fd, from, length }) => {
    const last = from + length - 1;
    for (let at = from; at < last; at += STRIDE_BYTES) if (!isAtHand(fd, at)) return 0;
    if (!isAtHand(fd, last)) return 0;
    offset[0] = BigInt(from);
    return Math.max(0, Number(sendfile(socketFd, fd, offset, length)));
  };
};

let known: SendFile | undefined;

/**
 * Sends what a socket takes of a part of a file, right now.
 *
 * @param socketFd - Descriptor of a socket that does not block, asked for in this very turn: a closed one's number may
 *   be another client's by the next.
 * @param span - At least one byte. The file must not be changed in place while the kernel may still send from it.
 * @returns Bytes taken, from the first on. 0 when none can be sent so: the socket is full or broken, the bytes are not in
 *   memory (or not there), or the system has no such call. Whoever reads and writes them instead learns which.
 */
export const sendFile: SendFile = (socketFd, span) => {
  known ??= load();
  return known(socketFd, span);
};
