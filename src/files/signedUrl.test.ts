// Signed tokens: one file, one time, one key.
import { expect, test } from "bun:test";
import { isSignedToken, UrlSigner } from "./signedUrl.ts";

const place = { collectionId: "pbc_1", recordId: "rec1", name: "a_x.png" };
const signer = new UrlSigner(Buffer.alloc(32, 1));
const token = signer.sign(place, 5_000_000);

test("UrlSigner accepts its token for its file until its time", () => {
  expect(isSignedToken(token)).toBe(true);
  expect([4_999_999, 5_000_000].map((nowMs) => signer.verify(token, place, nowMs))).toEqual([true, false]);
});

test("UrlSigner accepts no other file, key, time or text", () => {
  const others = [
    { ...place, collectionId: "pbc_2" },
    { ...place, recordId: "rec2" },
    { ...place, name: "b_x.png" },
    { ...place, recordId: "rec1\na_x.png", name: "" },
  ];
  for (const other of others) expect(signer.verify(token, other, 0)).toBe(false);
  expect(new UrlSigner(Buffer.alloc(32, 2)).verify(token, place, 0)).toBe(false);
  const later = token.replace(/\.\w+\./, ".zzzzzz.");
  for (const text of ["", "hfs1.", `${token}x`, token.slice(0, -1), later, token.replace("hfs1", "hfs2")])
    expect(signer.verify(text, place, 0)).toBe(false);
});
