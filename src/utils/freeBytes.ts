// Gives the memory of bytes back at once. At the pace of a fast connection the collector is tens of megabytes behind.

/** Bun reads up to 512 KB into a fresh buffer each time; smaller ones than this are cheaper left to the collector. */
const LARGE_BYTES = 65_536;

/** Detaches what nobody reads any more; a part of a buffer says nothing about the rest, and stays. */
export const freeBytes = ({ buffer, length }: Uint8Array): void => {
  if (length < LARGE_BYTES) return;
  if (buffer instanceof ArrayBuffer && length === buffer.byteLength) buffer.transfer(0);
};
