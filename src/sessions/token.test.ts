import { describe, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { leastCpuMs } from "../../tests/support/cpuTime.ts";
import { payloadOf } from "../../tests/support/sessionKit.ts";
import { createKeyRing, newSigningRecord, newVaultRecord } from "./keys.ts";
import { RootKey } from "./rootKey.ts";
import { systemRandom } from "./sources.ts";
import { type Claims, mintToken, proofOf, tokenOf, verifyToken } from "./token.ts";

const NOW_MS = Date.UTC(2026, 0, 15);
const root = new RootKey(systemRandom(32));
const made = { root, random: systemRandom, nowMs: NOW_MS };
const ring = createKeyRing(root, [newSigningRecord(made), newVaultRecord(made)], NOW_MS);
const AUDIENCE = "instance0000000a";

const CLAIMS: Claims = {
  id: "user00000000001",
  collectionId: "pbc_users",
  type: "auth",
  exp: NOW_MS / 1000 + 3600,
  iat: NOW_MS / 1000,
  sid: "AAAAAAAAAAAAAAAAAAAAAA",
  gen: 1,
  jti: "BBBBBBBBBBBBBBBBBBBBBB",
  refreshable: true,
};

const verify = (token: string, type: Claims["type"] = "auth", nowMs = NOW_MS) =>
  verifyToken(token, { ring, type, audience: AUDIENCE, nowMs });

/** A correctly signed token with whatever header and payload. */
const forge = (payload: string, header = ring.signing.authHeader): string => {
  const signed = `${header}.${Buffer.from(payload).toString("base64url")}`;
  return `${signed}.${createHmac("sha256", ring.signing.secret).update(signed).digest("base64url")}`;
};

describe("mintToken", () => {
  const token = mintToken(CLAIMS, ring.signing, AUDIENCE);

  test("writes what the SDK reads and verifies again", () => {
    expect(payloadOf(token)).toMatchObject({
      id: CLAIMS.id,
      type: "auth",
      exp: CLAIMS.exp,
      refreshable: true,
    });
    expect(verify(token)).toEqual({ ok: true, claims: { ...CLAIMS, jkt: undefined }, kid: ring.signing.kid });
  });

  test("makes the same bytes from the same claims", () => {
    expect(mintToken({ ...CLAIMS }, ring.signing, AUDIENCE)).toBe(token);
  });

  test("TK1: 100 000 payloads are read by plain atob, whatever the ids are made of", () => {
    const characters = "az09_-~?>\u007f\u00e9\u{1f600}\"\\/<&'";
    for (let at = 0; at < 100_000; at++) {
      const id =
        at < 5_000
          ? [...characters].map((_, i) => [...characters][(at * (i + 1) + i) % 19]).join("")
          : `u${at}`;
      const minted = mintToken({ ...CLAIMS, id, gen: at + 1, exp: CLAIMS.exp + at }, ring.signing, AUDIENCE);
      const payload = minted.split(".")[1] ?? "";
      if (/[-_]/.test(payload)) throw new Error(`atob would throw on ${payload}`);
      if (at % 97 === 0) expect(payloadOf(minted)["id"]).toBe(id);
    }
  });

  test("refuses ids that would make it longer than it may be", () => {
    expect(() => mintToken({ ...CLAIMS, id: "x".repeat(700) }, ring.signing, AUDIENCE)).toThrow(RangeError);
  });
});

describe("verifyToken", () => {
  const token = mintToken(CLAIMS, ring.signing, AUDIENCE);
  const [header = "", payload = "", signature = ""] = token.split(".");

  test("TK3: refuses every header that this ring does not write", () => {
    const { kid } = ring.signing;
    const headers = [
      { alg: "none", typ: "hapta+jwt", kid },
      { alg: "HS512", typ: "hapta+jwt", kid },
      { alg: "RS256", typ: "hapta+jwt", kid },
      { alg: "HS256", typ: "JWT", kid },
      { alg: "HS256", typ: "hapta+jwt", kid, jwk: { kty: "oct", k: "AA" } },
      { alg: "HS256", typ: "hapta+jwt", kid, jku: "https://evil.test" },
      { alg: "HS256", typ: "hapta+jwt", kid, crit: ["exp"] },
      { alg: "HS256", typ: "hapta+jwt", kid: "kAAAAAAAA" },
      { alg: "HS256", typ: "hapta+jwt", kid: "../x" },
      { alg: "HS256", typ: "hapta+jwt", kid: [kid] },
      { typ: "hapta+jwt", alg: "HS256", kid },
    ];
    for (const one of headers) {
      const text = Buffer.from(JSON.stringify(one)).toString("base64url");
      const original = Buffer.from(payload, "base64url").toString();
      expect(verify(forge(original, text))).toEqual({ ok: false, fault: "header" });
      expect(verify(`${text}.${payload}.`)).toEqual({ ok: false, fault: "malformed" });
    }
  });

  test("TK4: refuses every flipped bit, padding and spare bits", () => {
    for (let at = 0; at < token.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const bytes = Buffer.from(token, "latin1");
        bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
        expect(verify(bytes.toString("latin1")).ok).toBe(false);
      }
    }
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const others = [...alphabet].filter((one) => one !== signature.at(-1));
    // Four of them decode to the very same 32 bytes.
    for (const last of others) expect(verify(`${token.slice(0, -1)}${last}`).ok).toBe(false);
    for (const suffix of ["=", "==", ".", "A", " ", "\n"]) expect(verify(token + suffix).ok).toBe(false);
    expect(verify(`${header}.${payload}=.${signature}`).ok).toBe(false);
  });

  test("TK5: an auth token is no file token and the other way round", () => {
    const file = mintToken({ ...CLAIMS, type: "file", refreshable: false }, ring.signing, AUDIENCE);
    expect(verify(file, "file").ok).toBe(true);
    expect(verify(file).ok).toBe(false);
    expect(verify(token, "file").ok).toBe(false);
    const relabelled = forge(Buffer.from(payload, "base64url").toString(), ring.signing.fileHeader);
    expect(verify(relabelled, "file")).toEqual({ ok: false, fault: "claims" });
  });

  test("TK6: answers at once and never with a promise", () => {
    const results: unknown[] = [verify(token), verify("x"), verify(`${token.slice(0, -1)}_`)];
    for (const result of results) {
      expect(result).not.toBeInstanceOf(Promise);
      expect(typeof Reflect.get(result as object, "ok")).toBe("boolean");
    }
  });

  test("TK7: refuses a long text before hashing anything", () => {
    const long = "A".repeat(1_000_000);
    const work = (): void => {
      for (let at = 0; at < 2_000; at++) expect(verify(long).ok).toBe(false);
    };
    // Hashing 2 GB would take seconds.
    expect(leastCpuMs(work, 500)).toBeLessThan(500);
    expect(verify(`${header}.${"A".repeat(980)}.${signature}`)).toEqual({ ok: false, fault: "malformed" });
  });

  test("TK8: refuses signed claims of wrong types, unknown ones and other spellings", () => {
    const good = Buffer.from(payload, "base64url").toString();
    const bad = [
      good.replace('"gen":1', '"gen":"1"'),
      good.replace('"gen":1', '"gen":1.0'),
      good.replace('"gen":1', '"gen":-1'),
      good.replace('"gen":1', '"gen":9007199254740993'),
      good.replace(/"exp":\d+/, '"exp":1e999'),
      good.replace(/"sid":"[^"]*"/, '"sid":{}'),
      good.replace('"refreshable":true', '"refreshable":"true"'),
      good.replace("{", '{"__proto__":{"admin":true},'),
      good.replace("{", '{"gen":1,'),
      good.replace("{", "{ "),
      good.replace("hapta", "other"),
      good.replace(AUDIENCE, "instance0000000b"),
      good.replace('"type":"auth"', '"type":"verification"'),
      '"text"',
      "null",
      "[]",
      "{",
    ];
    for (const text of bad) {
      expect(text).not.toBe(good);
      expect([text, verify(forge(text))]).toEqual([text, { ok: false, fault: "claims" }]);
    }
    expect(Reflect.get({}, "admin")).toBeUndefined();
    expect(verify(forge(good)).ok).toBe(true);
  });

  test("refuses another database's token and one that has ended", () => {
    expect(verify(mintToken(CLAIMS, ring.signing, "instance0000000b"))).toEqual({
      ok: false,
      fault: "claims",
    });
    expect(verify(token, "auth", CLAIMS.exp * 1000)).toEqual({ ok: false, fault: "expired" });
    expect(verify(token, "auth", CLAIMS.exp * 1000 - 1).ok).toBe(true);
  });
});

test("proofOf differs by key, use and counter", () => {
  const [one, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  const proofs = [
    proofOf(one, "jti", 1),
    proofOf(one, "jti", 2),
    proofOf(other, "jti", 1),
    proofOf(one, "file", 1),
  ];
  expect(new Set(proofs).size).toBe(4);
  for (const proof of proofs) expect(proof).toMatch(/^[A-Za-z0-9_-]{22}$/);
});

test("TK7: tokenOf reads both forms in any case and nothing else", () => {
  for (const text of ["a.b.c", "Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c"])
    expect(tokenOf(text)).toBe("a.b.c");
  const refused = ["", "Bearer  a.b.c", "Token a.b.c", "a.b.c, a.b.c", "a.b.c d", "a.b.\u00e9", "a\n", " a"];
  for (const text of [...refused, "x".repeat(3_000)]) expect(tokenOf(text)).toBeUndefined();
});
