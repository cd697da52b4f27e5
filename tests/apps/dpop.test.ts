// AP7 over HTTP: sessions that are bound to a key, against a real PocketBase through a real Hapta.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHmac } from "node:crypto";
import {
  ADA,
  call,
  diariesSeen,
  jsonOf,
  login,
  logout,
  type Pair,
  payloadOf,
  ROOT,
  START_MS,
  startPair,
  TEST_MS,
  tryLogin,
  verdictOf,
  verify,
} from "../sessions/support.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch } from "../support/scratch.ts";
import { exchange, type WireRequest } from "../support/wire.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";
import { createKeyHolder, jsonRequest, type KeyHolder, type ProofChange } from "./support.ts";

setDefaultTimeout(TEST_MS);
const LOGIN = "/api/collections/members/auth-with-password";
const REFRESH = "/api/collections/members/auth-refresh";
const DIARIES = "/api/collections/diaries/records";
const CREDENTIALS = { identity: ADA.email, password: PASSWORD };

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ config: { Security: { DPoP: "optional" } } });
}, START_MS);
afterAll(async () => {
  await pair[Symbol.asyncDispose]();
}, START_MS);

const withProof = (request: WireRequest, proof: string): WireRequest => ({
  ...request,
  headers: [...(request.headers ?? []), ["DPoP", proof]],
});

/** Sends with a proof of the holder's as it is now, without repeating. */
const prove = (holder: KeyHolder, request: WireRequest, change: ProofChange & { url?: string } = {}) => {
  const { url = pair.url } = change;
  return exchange(url, withProof(request, holder.proof(url, request, change)));
};

/** The same, once more with the nonce when Hapta asks for one. */
const proveTwice = async (
  holder: KeyHolder,
  request: WireRequest,
  change: ProofChange & { url?: string } = {},
): Promise<WireResponse> => {
  const first = await prove(holder, request, change);
  if (verdictOf(first) !== "401 dpop_nonce") return first;
  holder.nonce = headOf(first, "dpop-nonce");
  return prove(holder, request, change);
};

const authorized = (method: string, path: string, token: string): WireRequest => ({
  method,
  path,
  headers: [["Authorization", token]],
});

/** A key holder who is signed in, and the token. */
const boundLogin = async (url = pair.url): Promise<{ holder: KeyHolder; token: string }> => {
  const holder = createKeyHolder();
  const answer = await proveTwice(holder, jsonRequest(LOGIN, CREDENTIALS), { url });
  expect(`${answer.status} ${answer.text.slice(0, 200)}`).toStartWith("200 ");
  return { holder, token: String(jsonOf(answer)["token"]) };
};

const faultOf = (answer: WireResponse): string => {
  const { proof } = (jsonOf(answer)["data"] ?? {}) as { proof?: { code: string } };
  return `${verdictOf(answer)} ${proof?.code ?? "-"}`;
};

test("a login with a proof is bound to the key, and its token reads and refreshes with proofs", async () => {
  const { holder, token } = await boundLogin();
  expect(payloadOf(token)["cnf"]).toEqual({ jkt: holder.jkt });
  const seen = await proveTwice(holder, authorized("GET", `${DIARIES}?perPage=5`, token));
  expect(jsonOf(seen)["totalItems"]).toBe(1);
  const refreshed = await prove(holder, authorized("POST", REFRESH, token));
  const next = String(jsonOf(refreshed)["token"]);
  expect(payloadOf(next)["cnf"]).toEqual({ jkt: holder.jkt });
  expect(verdictOf(await prove(holder, authorized("GET", DIARIES, `DPoP ${next}`)))).toBe("200 -");
  expect(verdictOf(await prove(holder, authorized("GET", DIARIES, `Bearer ${next}`)))).toBe("200 -");
});

describe("AP7: without the right proof a bound token is refused:", () => {
  test("no proof, whatever stands before the token; reads, writes, refresh, sessions, realtime, files, own routes", async () => {
    const { token } = await boundLogin();
    for (const text of [token, `Bearer ${token}`, `DPoP ${token}`]) {
      const answer = await exchange(pair.url, authorized("GET", DIARIES, text));
      expect(verdictOf(answer)).toBe("401 dpop_required");
      expect(headOf(answer, "www-authenticate")).toStartWith("DPoP algs=");
    }
    const calls: (readonly [string, string])[] = [
      ["POST", REFRESH],
      ["GET", "/auth/verify"],
      ["GET", "/auth/sessions"],
      ["POST", "/auth/logout"],
      ["POST", "/api/files/token"],
      ["GET", "/custom/hello"],
      ["DELETE", `${DIARIES}/nosuchrecord001`],
    ];
    for (const [method, path] of calls)
      expect(verdictOf(await exchange(pair.url, authorized(method, path, token)))).toBe("401 dpop_required");
    const realtime = jsonRequest("/api/realtime", { clientId: "x", subscriptions: [] }, token);
    expect(verdictOf(await exchange(pair.url, realtime))).toBe("401 dpop_required");
    const batch = jsonRequest("/api/batch", { requests: [] }, token);
    expect(verdictOf(await exchange(pair.url, batch))).toBe("401 dpop_required");
  });

  test("htm, htu, ath, iat, jti, header", async () => {
    const { holder, token } = await boundLogin();
    const request = authorized("GET", DIARIES, token);
    const nowS = Math.floor(Date.now() / 1000);
    const faults: string[] = [];
    for (const change of [
      { claims: { htm: "POST" } },
      { claims: { htu: `${pair.url}/api/collections/articles/records` } },
      { claims: { htu: "https://evil.example/api/collections/diaries/records" } },
      { claims: { ath: "wrong" } },
      { claims: { ath: undefined } },
      { claims: { iat: nowS - 65 } },
      { claims: { iat: nowS + 65 } },
      { claims: { jti: undefined } },
      { header: { typ: "JWT" } },
      { header: { alg: "HS256" } },
      { header: { alg: "none" } },
      { header: { jwk: holder.privateJwk } },
      { header: { jwk: undefined } },
    ])
      faults.push(faultOf(await prove(holder, request, change)).replace("401 dpop_invalid proof_", ""));
    expect(faults).toEqual([
      ...["method", "target", "target", "token", "token", "time", "time"],
      ...["form", "form", "form", "form", "form", "form"],
    ]);
    expect(verdictOf(await prove(holder, request))).toBe("200 -");
  });

  test("a proof with HS256, keyed with the public key", async () => {
    const { holder, token } = await boundLogin();
    const request = authorized("GET", DIARIES, token);
    const [head = "", claims = ""] = holder.proof(pair.url, request, { header: { alg: "HS256" } }).split(".");
    const { jwk } = JSON.parse(Buffer.from(head, "base64url").toString()) as { jwk: unknown };
    const mac = createHmac("sha256", JSON.stringify(jwk)).update(`${head}.${claims}`).digest("base64url");
    const answer = await exchange(pair.url, withProof(request, `${head}.${claims}.${mac}`));
    expect(faultOf(answer)).toBe("401 dpop_invalid proof_form");
  });

  test("a used proof, also twenty times at once; two proofs at once", async () => {
    const { holder, token } = await boundLogin();
    const request = authorized("GET", DIARIES, token);
    const proven = withProof(request, holder.proof(pair.url, request));
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(pair.url, proven)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(faultOf(await exchange(pair.url, proven))).toBe("401 dpop_invalid proof_replay");
    const doubled = withProof(
      withProof(request, holder.proof(pair.url, request)),
      holder.proof(pair.url, request),
    );
    expect(faultOf(await exchange(pair.url, doubled))).toBe("401 dpop_invalid proof_form");
  });

  test("the proof of another key", async () => {
    const { holder, token } = await boundLogin();
    const thief = createKeyHolder();
    thief.nonce = holder.nonce;
    expect(faultOf(await prove(thief, authorized("GET", DIARIES, token)))).toBe("401 dpop_invalid proof_key");
    expect(faultOf(await prove(thief, authorized("POST", REFRESH, token)))).toBe(
      "401 dpop_invalid proof_key",
    );
    // Nothing of this has harmed the session.
    expect(verdictOf(await prove(holder, authorized("GET", DIARIES, token)))).toBe("200 -");
  });

  test("nonce challenge: refused without or with an old nonce, and the repeated proof counts once", async () => {
    const { holder, token } = await boundLogin();
    const request = authorized("GET", DIARIES, token);
    for (const nonce of [undefined, "abc.0123456789012345678901", "x"]) {
      const answer = await prove(holder, request, { claims: { nonce } });
      expect(faultOf(answer)).toBe("401 dpop_nonce proof_nonce");
      expect(headOf(answer, "www-authenticate")).toEndWith('error="use_dpop_nonce"');
      expect(headOf(answer, "access-control-expose-headers")).toContain("DPoP-Nonce");
      holder.nonce = headOf(answer, "dpop-nonce");
    }
    const proven = withProof(request, holder.proof(pair.url, request));
    expect((await exchange(pair.url, proven)).status).toBe(200);
    expect(faultOf(await exchange(pair.url, proven))).toBe("401 dpop_invalid proof_replay");
  });
});

test("a login with a wrong proof is refused before PocketBase hears of it; a used one opens nothing", async () => {
  const holder = createKeyHolder();
  const request = jsonRequest(LOGIN, CREDENTIALS);
  expect(verdictOf(await prove(holder, request))).toBe("401 dpop_nonce");
  const { holder: other } = await boundLogin();
  holder.nonce = other.nonce;
  expect(verdictOf(await prove(holder, request, { claims: { htm: "GET" } }))).toBe("401 dpop_invalid");
  const proven = withProof(request, holder.proof(pair.url, request));
  expect((await exchange(pair.url, proven)).status).toBe(200);
  expect(faultOf(await exchange(pair.url, proven))).toBe("401 dpop_invalid proof_replay");
});

test("a login works although an old bound token without its key comes along", async () => {
  const { token } = await boundLogin();
  const plain = await tryLogin(pair.url, ADA, { token });
  expect(plain.status).toBe(200);
  expect(payloadOf(String(jsonOf(plain)["token"]))["cnf"]).toBeUndefined();
  const holder = createKeyHolder();
  const again = await proveTwice(holder, jsonRequest(LOGIN, CREDENTIALS, token));
  expect(payloadOf(String(jsonOf(again)["token"]))["cnf"]).toEqual({ jkt: holder.jkt });
});

test("a login on a route of the app's own is bound too", async () => {
  const holder = createKeyHolder();
  const answer = await proveTwice(holder, { method: "POST", path: "/custom/login?email=ada@example.com" });
  const token = String(jsonOf(answer)["token"]);
  expect(payloadOf(token)["cnf"]).toEqual({ jkt: holder.jkt });
  expect(await verify(pair.url, token)).toBe(401);
});

test("file tokens are got with a proof and count without one", async () => {
  const { holder, token } = await boundLogin();
  const got = await prove(holder, authorized("POST", "/api/files/token", token));
  const fileToken = String(jsonOf(got)["token"]);
  expect(payloadOf(fileToken)["cnf"]).toEqual({ jkt: holder.jkt });
  expect(verdictOf(await exchange(pair.url, authorized("GET", DIARIES, fileToken)))).toBe("200 -");
  expect(await diariesSeen(pair.url, fileToken)).toBe(0);
});

test("sessions without a key are as before, whatever proof comes along", async () => {
  const token = await login(pair.url, ADA);
  expect(await diariesSeen(pair.url, token)).toBe(1);
  const answer = await prove(createKeyHolder(), authorized("GET", DIARIES, token), { claims: { htm: "x" } });
  expect(jsonOf(answer)["totalItems"]).toBe(1);
});

test("logout with a proof ends a bound session", async () => {
  const { holder, token } = await boundLogin();
  expect(await logout(pair.url, token)).toBe(401);
  expect((await prove(holder, authorized("POST", "/auth/logout", token))).status).toBe(204);
  expect((await prove(holder, authorized("GET", "/auth/verify", token))).status).toBe(401);
});

test("DPoP required: logins and sessions without a key are refused, superusers are exempt; off: bound ones are", async () => {
  using data = createScratch("dpop");
  const start = (DPoP: string) =>
    startHapta(pair.pb, { env: { HAPTA_DATA_DIR: data.path }, config: { Security: { DPoP } } });
  const first = await start("optional");
  const plain = await login(first.url, ADA);
  const bound = await boundLogin(first.url);
  await first[Symbol.asyncDispose]();

  const second = await start("required");
  expect(verdictOf(await call(second.url, { path: DIARIES, token: plain }))).toBe("401 dpop_required");
  expect(verdictOf(await tryLogin(second.url, ADA))).toBe("401 dpop_required");
  expect(verdictOf(await tryLogin(second.url, ADA, { token: plain }))).toBe("401 dpop_required");
  const own = await call(second.url, { method: "POST", path: "/custom/login?email=ada@example.com" });
  expect(verdictOf(own)).toBe("401 session_required");
  expect((await call(second.url, { path: DIARIES })).status).toBe(200);
  const root = await login(second.url, ROOT);
  expect(await verify(second.url, root)).toBe(200);
  const list = authorized("GET", DIARIES, bound.token);
  expect(verdictOf(await proveTwice(bound.holder, list, { url: second.url }))).toBe("200 -");
  const fresh = await boundLogin(second.url);
  const path = `/api/collections/members/impersonate/${payloadOf(plain)["id"]}`;
  const impersonated = await call(second.url, { method: "POST", path, token: root, json: { duration: 600 } });
  expect(await verify(second.url, String(jsonOf(impersonated)["token"]))).toBe(200);
  await second[Symbol.asyncDispose]();

  await using third = await start("off");
  const offList = authorized("GET", DIARIES, fresh.token);
  expect(verdictOf(await prove(fresh.holder, offList, { url: third.url }))).toBe("401 dpop_required");
  expect(await diariesSeen(third.url, plain)).toBe(1);
  const unbound = await prove(fresh.holder, jsonRequest(LOGIN, CREDENTIALS), { url: third.url });
  expect(payloadOf(String(jsonOf(unbound)["token"]))["cnf"]).toBeUndefined();
});
