// TK2 and ST8: nothing that PocketBase accepts ever reaches a client, a log, or the disk in the clear. A relay between
// Hapta and PocketBase remembers every token PocketBase issued.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import type { WireResponse } from "../support/wireReader.ts";
import { type RecordingProxy, startRecordingProxy, tokensIn } from "./recordingProxy.ts";
import {
  ADA,
  type Call,
  call,
  diariesSeen,
  jsonOf,
  login,
  payloadOf,
  ROOT,
  refresh,
  START_MS,
  TEST_MS,
  tryLogin,
  verify,
} from "./support.ts";

setDefaultTimeout(TEST_MS);
const SERVICE = "hapta@example.com";
let pb: PocketBase;
let relay: RecordingProxy;
let hapta: Hapta;
const answers: WireResponse[] = [];

beforeAll(async () => {
  pb = await startPocketBase();
  relay = await startRecordingProxy(pb.url);
  // A superuser of its own: two logins of one account within a second share a token, and nobody could tell whose it was.
  const json = { email: SERVICE, password: PASSWORD, passwordConfirm: PASSWORD };
  const path = "/api/collections/_superusers/records";
  expect((await call(pb.url, { path, json, token: pb.world.tokens.superuser })).status).toBe(200);
  hapta = await startHapta(relay, {
    config: { Log: { Level: "debug" } },
    env: { ADMIN_EMAIL: SERVICE, ADMIN_PASSWORD: PASSWORD },
  });
}, START_MS);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await relay[Symbol.asyncDispose]();
  await pb[Symbol.asyncDispose]();
}, START_MS);

const wholeOf = ({ status, headers, body }: WireResponse): string =>
  [status, ...headers.flat(), body.toString("latin1")].join("\n");

/** Nothing PocketBase issued is in the answer, and nothing in it is worth anything at PocketBase. */
const expectClean = async (answer: WireResponse): Promise<void> => {
  answers.push(answer);
  const text = wholeOf(answer);
  for (const issued of relay.issued()) expect(text.includes(issued)).toBe(false);
  for (const token of tokensIn(text)) {
    const collection = String(payloadOf(token)["collectionId"]);
    expect((await refresh(pb.url, token, collection)).status).not.toBe(200);
    expect((await call(pb.url, { path: "/api/settings", token })).status).not.toBe(200);
    expect(await diariesSeen(pb.url, token)).toBe(0);
    const scan = `/api/files/diaries/${IDS.diary}/${pb.world.files.scan}?token=${token}`;
    expect((await call(pb.url, { path: scan })).status).toBe(404);
  }
};

const send = async (options: Call): Promise<WireResponse> => {
  const answer = await call(hapta.url, options);
  await expectClean(answer);
  return answer;
};

const tokenIn = (answer: WireResponse): string => {
  expect(`${answer.status} ${answer.text.slice(0, 200)}`).toStartWith("200 ");
  return String(jsonOf(answer)["token"]);
};

test("TK2: password, refresh and file token", async () => {
  const first = await tryLogin(hapta.url, ADA);
  await expectClean(first);
  const second = await send({
    method: "POST",
    path: "/api/collections/members/auth-refresh",
    token: tokenIn(first),
  });
  const token = tokenIn(second);
  expect(relay.issued().size).toBeGreaterThanOrEqual(2);
  const file = await send({ method: "POST", path: "/api/files/token", token });
  const scan = `/api/files/diaries/${IDS.diary}/${pb.world.files.scan}?token=${tokenIn(file)}`;
  expect((await send({ path: scan })).status).toBe(200);
  await send({ path: "/auth/sessions", token });
  await send({ path: "/auth/verify", token });
  for (const fields of ["token", "record", "token,record.id", "*"]) {
    const asked = await send({
      path: `/api/collections/members/auth-with-password?fields=${fields}`,
      json: { identity: ADA.email, password: PASSWORD },
    });
    expect(asked.status).toBe(200);
  }
});

test("a token that `fields` has cut short opens and changes nothing, and what is left of it is worthless", async () => {
  const json = { identity: ADA.email, password: PASSWORD };
  const path = "/api/collections/members/auth-with-password";
  const whole = tokenIn(await send({ path, json }));
  const [upstream = ""] = [...relay.issued()].slice(-1);
  // All of it but a little of the signature.
  const cut = `fields=${encodeURIComponent(`token:excerpt(${upstream.length - 2})`)}`;
  const left = tokenIn(await send({ path: `${path}?${cut}`, json }));
  expect(left).toMatch(/\.x{41}$/);
  expect(await verify(hapta.url, left)).toBe(401);
  const refresh = `/api/collections/members/auth-refresh?${cut}`;
  expect(tokenIn(await send({ method: "POST", path: refresh, token: whole }))).toMatch(/\.x{41}$/);
  expect(await diariesSeen(hapta.url, whole)).toBe(1);
});

test("TK2: impersonation, one-time password and the second step of MFA", async () => {
  const root = await login(hapta.url, ROOT);
  const asked = await send({
    path: `/api/collections/members/impersonate/${IDS.ada}`,
    token: root,
    json: { duration: 600 },
  });
  const impersonated = tokenIn(asked);
  expect(await diariesSeen(hapta.url, impersonated)).toBe(1);
  expect(payloadOf(impersonated)["refreshable"]).toBe(false);
  const again = await send({
    method: "POST",
    path: "/api/collections/members/auth-refresh",
    token: impersonated,
  });
  // PocketBase answers with the very same token; so does Hapta.
  expect(tokenIn(again)).toBe(impersonated);

  const password = "12345678";
  const makeOtp = async (collectionRef: string, recordRef: string): Promise<string> => {
    const made = await send({
      path: "/api/collections/_otps/records",
      token: root,
      json: { collectionRef, recordRef, password },
    });
    expect(made.status).toBe(200);
    return String(jsonOf(made)["id"]);
  };
  const otp = await send({
    path: "/api/collections/members/auth-with-otp",
    json: { otpId: await makeOtp("pbc_members0001", IDS.ada), password },
  });
  expect(await diariesSeen(hapta.url, tokenIn(otp))).toBe(1);

  const kim = { collection: "keepers", email: "kim@example.com" };
  const first = await tryLogin(hapta.url, kim);
  await expectClean(first);
  expect(first.status).toBe(401);
  const { mfaId } = jsonOf(first);
  const second = await send({
    path: "/api/collections/keepers/auth-with-otp",
    json: { otpId: await makeOtp("pbc_keepers0001", IDS.keeper), password, mfaId },
  });
  expect(await verify(hapta.url, tokenIn(second))).toBe(200);
});

const CUSTOM = [
  ["a short one", "/custom/login?email=ada@example.com"],
  ["a long one", "/custom/login?email=ada@example.com&pad=40000"],
  ["PocketBase's own helper", "/custom/standard-login?email=ada@example.com"],
  ["blanks in the JSON", "/custom/odd-login?email=ada@example.com&shape=spaced"],
  ["escapes in the JSON", "/custom/odd-login?email=ada@example.com&shape=escaped"],
  ["a charset", "/custom/odd-login?email=ada@example.com&type=application/json;charset=utf-8"],
  ["an upper-case type", "/custom/odd-login?email=ada@example.com&type=Application/JSON"],
] as const;

test.each(CUSTOM)("TK2: a login route of the app's own: %s", async (_, path) => {
  const answer = await send({ method: "POST", path });
  const token = tokenIn(answer);
  expect(await diariesSeen(hapta.url, token)).toBe(1);
  expect(await verify(hapta.url, token)).toBe(200);
});

test("TK2: a compressing login route of the app's own", async () => {
  const answer = await send({
    method: "POST",
    path: "/custom/compressed-login?email=ada@example.com",
    headers: [["Accept-Encoding", "gzip"]],
  });
  const text = answer.headers.some(([name]) => name.toLowerCase() === "content-encoding")
    ? Buffer.from(Bun.gunzipSync(new Uint8Array(answer.body))).toString("utf8")
    : answer.text;
  for (const issued of relay.issued()) expect(text.includes(issued)).toBe(false);
});

test.each(["bytes?n=100000", "json?n=10", "json?n=100000", "json?n=3000000"])(
  "a custom route's answer that is no login passes byte for byte: %s",
  async (place) => {
    const [ours, theirs] = await Promise.all(
      [hapta.url, pb.url].map((url) => call(url, { path: `/custom/${place}` })),
    );
    expect(ours?.status).toBe(200);
    expect(ours?.body.equals(theirs?.body ?? Buffer.alloc(0))).toBe(true);
  },
);

test("ST8: no upstream token, password or Hapta token in the database, its log, or the output", () => {
  const secrets = new Set([...relay.issued(), ...answers.flatMap((answer) => tokensIn(wholeOf(answer)))]);
  secrets.add(PASSWORD);
  expect(secrets.size).toBeGreaterThan(10);
  const files = readdirSync(hapta.dataDir, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  expect(files.some(({ name }) => name.includes("sessions.db"))).toBe(true);
  const texts = files.map((entry) => readFileSync(join(entry.parentPath, entry.name)).toString("latin1"));
  for (const text of [...texts, hapta.child.output()]) {
    for (const secret of secrets) {
      expect(text.includes(secret)).toBe(false);
      // The signature alone is what makes a token.
      const signature = secret.split(".")[2];
      if (signature !== undefined) expect(text.includes(signature)).toBe(false);
    }
  }
});

test("a token that a visitor made up and a custom route repeats opens nobody's session", async () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { id: "memberada000001", collectionId: "members", type: "auth", exp: 4_000_000_000 };
  const token = `${part({ alg: "HS256", typ: "JWT" })}.${part(claims)}.${"A".repeat(43)}`;
  const body = JSON.stringify({ token, record: { id: claims.id } });
  const answer = await fetch(`${hapta.url}/custom/echo`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
  });
  expect(`${answer.status} ${await answer.text()}`).toBe(`200 ${body}`);
});

test("SU4: nothing that a client asked for went to PocketBase as the superuser that Hapta is itself", () => {
  const START = /(?=(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \/\S* HTTP\/1\.1\r\n)/;
  const requests = relay.talks().flatMap(({ asked }) => asked.split(START));
  // Hapta names the client in whatever a client asked for, and nobody in what it asks for itself.
  const ofClients = requests.filter((request) => /^X-Forwarded-For: 127\.0\.0\.1\r$/im.test(request));
  const own = requests.filter((request) => !/^X-Forwarded-For: /im.test(request));
  const reading = own.filter((request) => request.startsWith("GET /api/collections?"));
  const service = new Set(reading.flatMap(tokensIn));
  expect([...service].map((token) => payloadOf(token)["collectionId"])).toContain("pbc_3142635823");
  expect(ofClients.length).toBeGreaterThan(30);
  const shown = ofClients.filter((request) => tokensIn(request).some((token) => service.has(token)));
  expect(shown.map((request) => request.slice(0, 80))).toEqual([]);
});
