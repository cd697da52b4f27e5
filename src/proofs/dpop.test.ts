import { describe, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { exportJWK, generateKeyPair, type JWTHeaderParameters, type JWTPayload, SignJWT } from "jose";
import { createProofCheck, type ProofResult, type ProvenRequest } from "./dpop.ts";
import { createServerNonces } from "./serverNonces.ts";

const NOW = Date.UTC(2026, 0, 15, 12);
const nonces = createServerNonces(Buffer.alloc(32, 7));
const clock = { nowMs: NOW };
const check = createProofCheck({ nonces, now: () => clock.nowMs, windowMs: 60_000 });

const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
const publicJwk = await exportJWK(publicKey);
const privateJwk = await exportJWK(privateKey);

const REQUEST: Omit<ProvenRequest, "proof"> = {
  method: "POST",
  host: "App.example",
  isSecure: false,
  path: "/api/collections/posts/records",
  token: "aaa.bbb.ccc",
};
const ath = (token: string): string => createHash("sha256").update(token).digest("base64url");
const CLAIMS: JWTPayload = {
  jti: "proof-number-1",
  htm: "POST",
  htu: "https://app.example/api/collections/posts/records",
  iat: NOW / 1000,
  ath: ath("aaa.bbb.ccc"),
  nonce: nonces.mint(NOW),
};
const HEADER: JWTHeaderParameters = { typ: "dpop+jwt", alg: "ES256", jwk: publicJwk };

const prove = (claims: object = {}, header: object = {}): Promise<string> =>
  new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ ...HEADER, ...header } as JWTHeaderParameters)
    .sign(privateKey);

const verdictOf = (result: ProofResult): string => (result.ok ? "ok" : result.fault);
const judge = async (proof: string, request: Partial<ProvenRequest> = {}): Promise<string> =>
  verdictOf(await check({ ...REQUEST, ...request, proof }));

test("a proof is accepted and names the thumbprint of its key", async () => {
  const result = await check({ ...REQUEST, proof: await prove() });
  const { crv, kty, x, y } = publicJwk;
  const jkt = createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url");
  expect(result).toEqual({
    ok: true,
    proof: { jkt, jti: "proof-number-1", createdMs: NOW, nextNonce: undefined },
  });
});

describe("AP7: a proof of another request is refused:", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["htm", { htm: "GET" }, "method"],
    ["htm in lower case", { htm: "post" }, "method"],
    ["no htm", { htm: undefined }, "method"],
    ["htu path", { htu: "https://app.example/api/collections/notes/records" }, "target"],
    ["htu host", { htu: "https://evil.example/api/collections/posts/records" }, "target"],
    ["htu port", { htu: "https://app.example:8443/api/collections/posts/records" }, "target"],
    ["htu scheme", { htu: "ftp://app.example/api/collections/posts/records" }, "target"],
    ["htu with a user", { htu: "https://app.example@app.example/api/collections/posts/records" }, "target"],
    ["htu relative", { htu: "/api/collections/posts/records" }, "target"],
    ["no htu", { htu: undefined }, "target"],
    ["ath of another token", { ath: ath("x") }, "token"],
    ["no ath", { ath: undefined }, "token"],
    ["old iat", { iat: NOW / 1000 - 61 }, "time"],
    ["iat of the future", { iat: NOW / 1000 + 61 }, "time"],
    ["no iat", { iat: undefined }, "form"],
    ["iat that is no number", { iat: "now" }, "form"],
    ["no jti", { jti: undefined }, "form"],
    ["short jti", { jti: "x" }, "form"],
    ["no nonce", { nonce: undefined }, "nonce"],
    ["made-up nonce", { nonce: "abc.0123456789012345678901" }, "nonce"],
    ["expired", { exp: NOW / 1000 - 100 }, "form"],
  ])("%s", async (_, claims, fault) => {
    expect(await judge(await prove(claims))).toBe(fault);
  });

  test("an ath without a token", async () => {
    expect(await judge(await prove(), { token: undefined })).toBe("token");
    expect(await judge(await prove({ ath: undefined }), { token: undefined })).toBe("ok");
  });
});

describe("AP7: a proof that is no proof is refused:", () => {
  test("HS256 with the public key as the secret", async () => {
    const secret = Buffer.from(JSON.stringify(publicJwk));
    const forged = await new SignJWT(CLAIMS).setProtectedHeader({ ...HEADER, alg: "HS256" }).sign(secret);
    expect(await judge(forged)).toBe("form");
  });

  test("a symmetric key in jwk", async () => {
    const secret = Buffer.alloc(32, 1);
    const jwk = { kty: "oct", k: secret.toString("base64url") };
    const forged = await new SignJWT(CLAIMS)
      .setProtectedHeader({ ...HEADER, alg: "HS256", jwk })
      .sign(secret);
    expect(await judge(forged)).toBe("form");
  });

  test("the private key in jwk", async () => {
    expect(await judge(await prove({}, { jwk: privateJwk }))).not.toBe("ok");
    expect(await judge(await prove({}, { jwk: { ...publicJwk, d: "AA" } }))).not.toBe("ok");
    expect(await judge(await prove({}, { jwk: { ...publicJwk, k: "AA" } }))).toBe("key");
  });

  test("RS256: only curves are taken", async () => {
    const rsa = await generateKeyPair("RS256");
    const proof = await new SignJWT(CLAIMS)
      .setProtectedHeader({ typ: "dpop+jwt", alg: "RS256", jwk: await exportJWK(rsa.publicKey) })
      .sign(rsa.privateKey);
    expect(await judge(proof)).toBe("form");
  });

  test("another typ, another key, no key, no signature, no token at all", async () => {
    const other = await generateKeyPair("ES256");
    expect(await judge(await prove({}, { typ: "JWT" }))).toBe("form");
    expect(await judge(await prove({}, { jwk: await exportJWK(other.publicKey) }))).toBe("form");
    expect(await judge(await prove({}, { jwk: undefined }))).toBe("form");
    const [header, payload] = (await prove()).split(".");
    const none = Buffer.from(JSON.stringify({ ...HEADER, alg: "none" })).toString("base64url");
    for (const text of [`${header}.${payload}.`, `${none}.${payload}.`, "", "a.b.c", "x".repeat(5000)])
      expect(await judge(text)).toBe("form");
    expect(await judge(`${await prove()}, ${await prove()}`)).toBe("form");
  });

  test("Ed25519 and ES384 are taken", async () => {
    for (const alg of ["EdDSA", "Ed25519", "ES384"]) {
      const pair = await generateKeyPair(alg);
      const jwk = await exportJWK(pair.publicKey);
      const proof = new SignJWT(CLAIMS).setProtectedHeader({ typ: "dpop+jwt", alg, jwk });
      expect(await judge(await proof.sign(pair.privateKey))).toBe("ok");
    }
  });
});

test("htu is compared as a URL: case of the host, default port, query and fragment do not count", async () => {
  const spellings = [
    "https://APP.example:443/api/collections/posts/records",
    "http://app.example:80/api/collections/posts/records",
    "https://app.example/api/collections/posts/records?page=2#x",
  ];
  for (const htu of spellings) expect(await judge(await prove({ htu }))).toBe("ok");
  const escaped = await prove({ htu: "https://app.example/a%c3%a4b" });
  expect(await judge(escaped, { path: "/a%C3%A4b" })).toBe("ok");
  expect(await judge(await prove(), { host: "app.example:3599" })).toBe("target");
  const http = "http://app.example/api/collections/posts/records";
  expect(await judge(await prove({ htu: http }), { isSecure: true })).toBe("target");
});

test("a nonce serves for two slots, and its successor comes along in the second", async () => {
  const nonce = nonces.mint(NOW);
  const at = async (ms: number) => {
    clock.nowMs = NOW + ms;
    const proof = await prove({ iat: clock.nowMs / 1000, nonce });
    const result = await check({ ...REQUEST, proof });
    clock.nowMs = NOW;
    return result.ok ? (result.proof.nextNonce ?? "current") : result.fault;
  };
  expect(await at(299_000)).toBe("current");
  expect(await at(301_000)).toBe(nonces.mint(NOW + 301_000));
  expect(await at(599_000)).toBe(nonces.mint(NOW + 301_000));
  expect(await at(601_000)).toBe("nonce");
  expect(await at(-1_000)).toBe("nonce");
  const others = createServerNonces(Buffer.alloc(32, 8));
  expect(others.standingOf(nonce, NOW)).toBe("unknown");
});
