// Pictures that stand for more pixels than their first bytes say. That PocketBase makes a thumb of each shows that it would
// have decoded it.
import { expect, test } from "bun:test";
import { drawPng } from "../support/fixture/png.ts";
import { IDS } from "../support/fixture/records.ts";
import { useGateway } from "../support/gateway.ts";

const gateway = useGateway({ config: { Files: { MaxPixels: 1_000 } } });

const NOTICES = "/api/collections/notices/records";
const ADA = `/api/collections/members/records/${IDS.ada}`;
/** Width and height of all of them. */
const SIDE = 400;

/** A grey JPEG: each of its blocks is two bits, "as the one before" and "nothing more". */
const drawJpeg = (...before: readonly number[]): Buffer => {
  const oneCode = [1, ...Array.from({ length: 15 }, () => 0), 0];
  const [high, low] = [SIDE >> 8, SIDE & 255];
  return Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xdb, 0, 0x43, 0, ...Array.from({ length: 64 }, () => 1), ...before]),
    Buffer.from([0xff, 0xc0, 0, 11, 8, high, low, high, low, 1, 1, 0x11, 0]),
    Buffer.from([0xff, 0xc4, 0, 20, 0, ...oneCode, 0xff, 0xc4, 0, 20, 0x10, ...oneCode]),
    Buffer.from([0xff, 0xda, 0, 8, 1, 1, 0, 0, 0x3f, 0]),
    Buffer.alloc((SIDE / 8) ** 2 / 4),
    Buffer.from([0xff, 0xd9]),
  ]);
};

const chunk = (name: string, ...data: readonly number[]): Buffer => {
  const head = Buffer.from(name.padEnd(8, "\0"), "latin1");
  head.writeUInt32LE(data.length, 4);
  return Buffer.concat([head, Buffer.from(data), Buffer.alloc(data.length % 2)]);
};
/** A WebP of one colour, which takes no bits at all; `before` are the chunks in front of it. */
const drawWebp = (...before: readonly Buffer[]): Buffer => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE((SIDE - 1) | ((SIDE - 1) << 14));
  const body = Buffer.concat([...before, chunk("VP8L", 0x2f, ...size, 0x88, 0x88, 8)]);
  const riff = Buffer.from("RIFF\0\0\0\0WEBP", "latin1");
  riff.writeUInt32LE(4 + body.length, 4);
  return Buffer.concat([riff, body]);
};

const PICTURES: readonly (readonly [what: string, picture: Buffer, name: string])[] = [
  ["a JPEG", drawJpeg(), "a.jpg"],
  ["a JPEG with bytes between its segments", drawJpeg(0, 1, 2), "a.jpg"],
  [
    "a JPEG with more of them than are looked at in one go",
    drawJpeg(...Array.from({ length: 300 }, () => 7)),
    "a.jpg",
  ],
  ["a JPEG with a marker that is none", drawJpeg(0xff, 0), "a.jpg"],
  ["a JPEG with a restart before its frame", drawJpeg(0xff, 0xd0), "a.jpg"],
  ["a WebP of 28 bytes", drawWebp(), "a.webp"],
  [
    "a WebP that says it is one pixel",
    drawWebp(chunk("VP8X", ...Array.from({ length: 10 }, () => 0))),
    "a.webp",
  ],
  ["a WebP behind a chunk that nobody knows", drawWebp(chunk("VP8Z", 1, 2, 3)), "a.webp"],
];

interface Sending {
  readonly method?: string;
  readonly token?: string;
  readonly field?: string;
}

const upload = async (
  url: string,
  [, picture, name]: (typeof PICTURES)[number],
  { method = "POST", token, field = "blob" }: Sending = {},
) => {
  const form = new FormData();
  form.append("title", "picture");
  form.append(field, new Blob([new Uint8Array(picture)]), name);
  const headers: Record<string, string> = token === undefined ? {} : { Authorization: token };
  const answer = await fetch(url, { method, body: form, headers });
  const saved = (await answer.json()) as { readonly id: string; readonly blob: readonly string[] };
  return { code: `${answer.status} ${answer.headers.get("x-hapta-error")}`, saved };
};

test.each(PICTURES)("UP2 %s is refused for its pixels", async (what, bytes, name) => {
  const picture = [what, bytes, name] as const;
  const { saved } = await upload(gateway.pocketbase.url + NOTICES, picture);
  const thumb = `/api/files/notices/${saved.id}/${saved.blob[0]}?thumb=100x100`;
  const answer = await fetch(gateway.pocketbase.url + thumb);
  expect(answer.headers.get("content-disposition")).toContain("100x100_");
  expect((await upload(gateway.hapta.url + NOTICES, picture)).code).toBe("400 file_refused");
});

test("UP2 a picture put before those of a field that holds one is refused like any other", async () => {
  const picture = ["a PNG", Buffer.from(drawPng(40, 40)), "a.png"] as const;
  for (const field of ["avatar", "avatar+", "+avatar"]) {
    const sending = { method: "PATCH", token: gateway.tokens.ada, field };
    const { code } = await upload(gateway.hapta.url + ADA, picture, sending);
    expect([field, code]).toEqual([field, "400 file_refused"]);
  }
});
