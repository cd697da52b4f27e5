// Writes WebSocket frames as a server sends them: unmasked, whole, without extensions (RFC 6455 section 5).

/** Frame types (RFC 6455 section 5.2). */
export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** Longest payload of a control frame. */
export const CONTROL_BYTES_MAX = 125;
const FINAL = 0x80;
const NOTHING = new Uint8Array(0);

/** One whole frame. */
export const encodeFrame = (opcode: number, payload: Uint8Array = NOTHING): Uint8Array => {
  const frame = frameOf(opcode, payload.length);
  frame.set(payload, frame.length - payload.length);
  return frame;
};

/** A text message in one frame. */
export const encodeText = (text: string): Uint8Array => {
  const length = Buffer.byteLength(text);
  const frame = frameOf(OPCODE.text, length);
  frame.write(text, frame.length - length);
  return frame;
};

/** A frame whose payload is still to be written. */
const frameOf = (opcode: number, length: number): Buffer => {
  const headBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.allocUnsafeSlow(headBytes + length);
  frame[0] = FINAL | opcode;
  frame[1] = length < 126 ? length : length < 65_536 ? 126 : 127;
  if (headBytes === 4) frame.writeUInt16BE(length, 2);
  else if (headBytes === 10) frame.writeBigUInt64BE(BigInt(length), 2);
  return frame;
};

/** A close frame; a reason that would not fit is cut. */
export const encodeClose = (code: number, reason: string): Uint8Array => {
  const text = Buffer.from(reason).subarray(0, CONTROL_BYTES_MAX - 2);
  const payload = Buffer.allocUnsafe(2 + text.length);
  payload.writeUInt16BE(code, 0);
  payload.set(text, 2);
  return encodeFrame(OPCODE.close, payload);
};
