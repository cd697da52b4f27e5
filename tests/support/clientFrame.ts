// Frames as a WebSocket client sends them, right or wrong, for tests of the server's side.

export interface ClientFrame {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  readonly isFinal?: boolean;
  /** The reserved bits, 0 to 7. */
  readonly reserved?: number;
  readonly isMasked?: boolean;
  /** Bytes the length is written in; the shortest when absent. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** Announced instead of the payload's own. */
  readonly length?: number;
}

const MASK = Uint8Array.of(0x37, 0xfa, 0x21, 0x3d);

/** The bytes of one frame. */
export const clientFrame = (frame: ClientFrame): Buffer => {
  const payload = Buffer.from(frame.payload ?? "");
  const length = frame.length ?? payload.length;
  const lengthBytes = frame.lengthBytes ?? (length < 126 ? 0 : length < 65_536 ? 2 : 8);
  const isMasked = frame.isMasked !== false;
  const head = Buffer.alloc(2 + lengthBytes);
  head[0] = (frame.isFinal === false ? 0 : 0x80) | ((frame.reserved ?? 0) << 4) | frame.opcode;
  head[1] = (isMasked ? 0x80 : 0) | (lengthBytes === 0 ? length : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) head.writeUInt16BE(length, 2);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  if (!isMasked) return Buffer.concat([head, payload]);
  const masked = payload.map((byte, at) => byte ^ (MASK[at & 3] ?? 0));
  return Buffer.concat([head, MASK, masked]);
};
