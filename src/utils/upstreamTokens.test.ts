// Every way a token can arrive in pieces, and texts that are made to confuse the filter.
import { expect, test } from "bun:test";
import fc from "fast-check";
import { TokenFilter, upstreamTokensIn, withheldText } from "./upstreamTokens.ts";

const HEAD = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.";
const bare = HEAD.slice(0, -1);
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = { collectionId: "pbc_members0001", exp: 1_800_000_000, id: "memberada000001", type: "auth" };
const SIGNATURE = "Sig-_".padEnd(43, "0123456789");
const tokenOf = (more: object = {}): string => `${HEAD}${part({ ...claims, ...more })}.${SIGNATURE}`;
const TOKEN = tokenOf();
const WORTHLESS = TOKEN.replace(SIGNATURE, "x".repeat(43));

const filtered = (pieces: readonly string[]): string => {
  const filter = new TokenFilter();
  return pieces
    .map((piece) => Buffer.from(filter.pass(Buffer.from(piece, "latin1"))).toString("latin1"))
    .join("");
};
const cut = (text: string, size: number): string[] =>
  Array.from({ length: Math.ceil(text.length / size) }, (_, i) => text.slice(i * size, (i + 1) * size));

/** What is around a token, and whether the token must go. */
const PLACES: Readonly<Record<string, (token: string) => string>> = {
  alone: (token) => token,
  "in JSON": (token) => `{"data":{"token":"${token}","record":{"id":"x"}}}`,
  "in an event": (token) => `event: login\ndata: {"token":"${token}"}\n\n`,
  "in a list of them": (token) => `["${token}","${token}"]`,
  "with text right before it": (token) => `eyJhbGciOiJIUzI1Nieyey${token}`,
  "with text right behind it": (token) => `${token}tail`,
  "two without a gap": (token) => token + token,
  "behind a head": (token) => HEAD + token,
  "behind a head without its dot": (token) => bare + token,
  "behind a foreign token": (token) => `${HEAD}${part({ sub: "x" })}.${token}`,
  "behind a token that was cut": (token) => token.slice(0, -9) + token,
  "behind endless claims": (token) => `${HEAD}${"A".repeat(5000)}${token}`,
  "behind half a head": (token) => HEAD.slice(0, 20) + token,
};

for (const [place, around] of Object.entries(PLACES)) {
  test(`a token ${place} leaves without its signature, however it is cut`, () => {
    const text = around(TOKEN);
    for (const size of [1, 2, 3, 7, 36, 37, 38, 64, 4096, text.length]) {
      const out = filtered(cut(text, size));
      expect([size, out.length, out.includes(SIGNATURE)]).toEqual([size, text.length, false]);
      if (place !== "behind a token that was cut") expect(out).toBe(around(WORTHLESS));
    }
    expect(withheldText(text)).toBe(filtered([text]));
    expect(upstreamTokensIn(text)).toContain(TOKEN);
  });
}

test("a token in two pieces, cut at each of its characters", () => {
  for (let at = 0; at <= TOKEN.length; at++)
    expect(filtered([`"${TOKEN.slice(0, at)}`, `${TOKEN.slice(at)}"`])).toBe(`"${WORTHLESS}"`);
});

const HARMLESS: Readonly<Record<string, string>> = {
  "Hapta's own": `${part({ alg: "HS256", kid: "k1", typ: "hapta+jwt" })}.${part(claims)}.${SIGNATURE}`,
  "another issuer's": `${HEAD}${part({ iss: "https://id.example", sub: "1" })}.${SIGNATURE}`,
  "a mail's": tokenOf({ type: "passwordReset" }),
  "without a record": tokenOf({ id: 7 }),
  "no claims": `${HEAD}${"A".repeat(200)}.${SIGNATURE}`,
};
for (const [name, token] of Object.entries(HARMLESS)) {
  test(`a token that is not PocketBase's credential passes unchanged: ${name}`, () => {
    for (const size of [1, 5, 1000]) expect(filtered(cut(`<${token}>`, size))).toBe(`<${token}>`);
    expect(upstreamTokensIn(token)).toEqual([]);
  });
}

test("file tokens are credentials, too", () => {
  expect(filtered([tokenOf({ type: "file" })])).not.toContain(SIGNATURE);
});

test("bytes without a token are the same object, and the input is never written to", () => {
  const plain = Buffer.from('{"items":[{"title":"eyJhb"}]}');
  expect(new TokenFilter().pass(plain)).toBe(plain);
  const bytes = Buffer.from(TOKEN);
  new TokenFilter().pass(bytes);
  expect(bytes.toString()).toBe(TOKEN);
});

test("any mixture of fragments, in any pieces: the same as in one piece, and no token survives", () => {
  const fragment = fc.constantFrom(
    TOKEN,
    HEAD,
    bare,
    ".",
    "e",
    "eyJ",
    part(claims),
    SIGNATURE,
    '"',
    "é",
    "x".repeat(60),
  );
  fc.assert(
    fc.property(
      fc.array(fragment, { maxLength: 12 }),
      fc.array(fc.nat(400), { maxLength: 9 }),
      (texts, cuts) => {
        const bytes = Buffer.from(texts.join(""));
        const at = [0, ...cuts.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end).toString("latin1"));
        const out = filtered(pieces);
        expect(out).toBe(filtered([bytes.toString("latin1")]));
        expect(out.length).toBe(bytes.length);
        expect(upstreamTokensIn(out).filter((token) => !token.endsWith("x".repeat(43)))).toEqual([]);
      },
    ),
    { numRuns: 400 },
  );
});
