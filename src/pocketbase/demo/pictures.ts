// Draws the demo's few pictures in code, so that no binary file is kept in the repository.
import { crc32, deflateSync } from "node:zlib";

/**
 * A portrait of sorts: initials on a disc.
 *
 * @param name - First and last name.
 * @param hue - Degrees, 0 to 359.
 */
export function avatarSvg(name: string, hue: number): string {
  const initials = name
    .split(" ")
    .map((part) => part.charAt(0))
    .join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 128 128" width="128" height="128">
  <circle cx="64" cy="64" r="64" fill="hsl(${hue} 55% 42%)"/>
  <text x="64" y="82" font-family="sans-serif" font-size="52" text-anchor="middle" fill="#fff">${initials}</text>
</svg>
`;
}

const WIDTH = 640;
const HEIGHT = 360;

/** A landscape as PNG (640 x 360, RGB): a sky that fades and hills of three depths. `variant` turns the colours. */
export function landscapePng(variant: number): Uint8Array<ArrayBuffer> {
  const rows = Buffer.alloc((WIDTH * 3 + 1) * HEIGHT);
  for (let y = 0; y < HEIGHT; y += 1) {
    // Each row starts with its filter type; 0 is none.
    let offset = y * (WIDTH * 3 + 1) + 1;
    for (let x = 0; x < WIDTH; x += 1) {
      const colour = colourAt(x, y, variant);
      for (let channel = 0; channel < 3; channel += 1) {
        rows[offset] = colour[(channel + variant) % 3] ?? 0;
        offset += 1;
      }
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(WIDTH, 0);
  header.writeUInt32BE(HEIGHT, 4);
  // Eight bits a channel, colour type 2 (RGB); compression, filter and interlace at their only or plain value.
  header.set([8, 2, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const parts = [chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))];
  return Uint8Array.from(Buffer.concat([signature, ...parts]));
}

function colourAt(x: number, y: number, variant: number): readonly number[] {
  // The nearest hills stand lowest and hide those behind them.
  for (let depth = 2; depth >= 0; depth -= 1) {
    const crest = 190 + depth * 55 + 32 * Math.sin(x / (150 - depth * 30) + variant * 2 + depth * 1.7);
    if (y > crest) return [120 - depth * 36, 150 - depth * 30, 140 - depth * 38];
  }
  const fade = y / HEIGHT;
  return [120 + 110 * fade, 160 + 50 * fade, 215 - 30 * fade].map(Math.round);
}

/** One chunk of a PNG file (PNG specification, section 5.3): length, type, data, CRC. */
function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([frame.subarray(0, 4), body, frame.subarray(4)]);
}
