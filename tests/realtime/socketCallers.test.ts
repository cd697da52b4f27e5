// Whose a WebSocket is: cookies and the pages they count for, keys, apps, places, and the end of Hapta.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { createKeyHolder, type KeyHolder, MOBILE, signed } from "../apps/support.ts";
import { Tab } from "../browserSecurity/tab.ts";
import {
  ADA,
  call,
  createMember,
  login,
  type Pair,
  START_MS,
  startPair,
  TEST_MS,
  verdictOf,
} from "../sessions/support.ts";
import { clientFrame } from "../support/clientFrame.ts";
import { eventually, within } from "../support/eventually.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type Frame, openSocket, type Socket } from "../support/socket.ts";
import { headOf } from "../support/wireReader.ts";
import { topicWith } from "./support.ts";

setDefaultTimeout(TEST_MS);
const PAGE = "https://app.example";
const PATH = "/ws/realtime";
const LOGIN = "/api/collections/members/auth-with-password";
const NOTICES = "/api/collections/notices/records";
const UPGRADE = [
  ["Connection", "Upgrade"],
  ["Upgrade", "websocket"],
  ["Sec-WebSocket-Version", "13"],
  ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
] as const;

let pair: Pair;
let listed: Hapta;
beforeAll(async () => {
  pair = await startPair({
    config: {
      Security: { Cookies: { isEnabled: true }, DPoP: "optional", Apps: [{ ...MOBILE, isRequired: true }] },
      ratelimit: { isEnabled: true, Max: 100_000 },
      Realtime: { MaxClientsPerSession: 2 },
    },
  });
  listed = await startHapta(pair.pb, { config: { Security: { Origins: [PAGE] } } });
}, START_MS);
afterAll(async () => {
  await listed[Symbol.asyncDispose]();
  await pair[Symbol.asyncDispose]();
}, START_MS);

/** The verdict on an upgrade that is refused. */
const refusedUpgrade = async (url: string, headers: Readonly<Record<string, string>>): Promise<string> =>
  verdictOf(await call(url, { path: PATH, headers: [...UPGRADE, ...Object.entries(headers)] }));

/** The cookies of a browser that has logged in. */
const cookiesOf = async (url: string): Promise<{ readonly cookie: string; readonly inert: string }> => {
  const tab = new Tab(url);
  const json = { identity: ADA.email, password: PASSWORD };
  const answer = await tab.send({ path: LOGIN, json, headers: [["X-Hapta-Cookie", "1"]] });
  const cookie = [...tab.jar].map((one) => one.join("=")).join("; ");
  expect(cookie).toContain("hapta_session=");
  return { cookie, inert: String(JSON.parse(answer.text).token) };
};

const own = (url: string): Record<string, string> => ({ Origin: url, "Sec-Fetch-Site": "same-origin" });
const hearsPrivately = async (socket: Socket, id: string): Promise<void> => {
  expect(await socket.ask({ type: "subscribe", topics: [`members/${id}`] })).toMatchObject({
    type: "subscribed",
  });
};

describe("cookies", () => {
  test("count for the app's own pages, and end with their session", async () => {
    const { cookie, inert } = await cookiesOf(pair.url);
    using socket = await openSocket(pair.url, { headers: { ...own(pair.url), Cookie: cookie } });
    // What the page's script holds says the same as the cookie.
    expect(await socket.ask({ type: "auth", token: inert })).toEqual({ type: "subscribed", topics: [] });
    await hearsPrivately(socket, "x");
    const headers = [...Object.entries(own(pair.url)), ["Cookie", cookie]] as const;
    const out = await call(pair.url, { method: "POST", path: "/auth/logout", headers });
    expect(out.status).toBe(204);
    expect(await within(socket.closed, 1_000, "logout")).toBe("4401 the session is over");
  });

  test("do not count for foreign pages, nor where no browser says which page it is", async () => {
    const { cookie } = await cookiesOf(pair.url);
    const from = (headers: Record<string, string>) =>
      refusedUpgrade(pair.url, { Cookie: cookie, ...headers });
    expect(await from({ Origin: "https://evil.example", "Sec-Fetch-Site": "cross-site" })).toBe(
      "403 csrf_denied",
    );
    expect(await from({ Origin: "https://evil.example" })).toBe("403 csrf_denied");
    expect(await from({ Origin: "null" })).toBe("403 csrf_denied");
    expect(await from({})).toBe("403 csrf_denied");
  });
});

test("with Security.Origins, pages that are not listed cannot open one; others can", async () => {
  for (const origin of ["https://evil.example", "null", `${PAGE}.evil.example`])
    expect(await refusedUpgrade(listed.url, { Origin: origin })).toBe("403 origin_denied");
  using page = await openSocket(listed.url, { headers: { Origin: PAGE } });
  using app = await openSocket(listed.url);
  for (const socket of [page, app]) expect(await socket.ask({ type: "ping" })).toEqual({ type: "pong" });
});

describe("keys", () => {
  const proofFor = (holder: KeyHolder, token: string): string =>
    holder.proof(pair.url, { path: PATH, headers: [["Authorization", token]] });

  /** Asks with a proof, once more with the nonce when there is one to sign. */
  const authenticate = async (socket: Socket, holder: KeyHolder, token: string): Promise<Frame> => {
    const first = await socket.ask({ type: "auth", token, proof: proofFor(holder, token) });
    if (first["code"] !== "dpop_nonce") return first;
    holder.nonce = String(first["nonce"]);
    return socket.ask({ type: "auth", token, proof: proofFor(holder, token) });
  };

  /** A session bound to the holder's key. */
  const bind = async (holder: KeyHolder): Promise<string> => {
    const json = { identity: ADA.email, password: PASSWORD };
    for (;;) {
      const proof = holder.proof(pair.url, { method: "POST", path: LOGIN });
      const answer = await call(pair.url, { path: LOGIN, json, headers: [["DPoP", proof]] });
      if (answer.status === 200) return String(JSON.parse(answer.text).token);
      expect(verdictOf(answer)).toBe("401 dpop_nonce");
      holder.nonce = headOf(answer, "dpop-nonce");
    }
  };

  test("a session that is bound to one needs a proof for this path, by header or by frame", async () => {
    const holder = createKeyHolder();
    const token = await bind(holder);
    const proof = (): string => proofFor(holder, token);
    expect(await refusedUpgrade(pair.url, { Authorization: token })).toBe("401 dpop_required");
    using byHeader = await openSocket(pair.url, { token, headers: { DPoP: proof() } });
    await hearsPrivately(byHeader, "x");
    using byFrame = await openSocket(pair.url);
    expect(await byFrame.ask({ type: "auth", token })).toMatchObject({ code: "dpop_required" });
    expect(await authenticate(byFrame, createKeyHolder(), token)).toMatchObject({ code: "dpop_invalid" });
    const used = proof();
    expect(await byFrame.ask({ type: "auth", token, proof: used })).toMatchObject({ type: "subscribed" });
    expect(await byFrame.ask({ type: "auth", token, proof: used })).toMatchObject({ code: "dpop_invalid" });
    // What was proven at the upgrade was proven for that token.
    expect(await byHeader.ask({ type: "auth", token })).toMatchObject({ code: "dpop_required" });
  });
});

test("a session of an app that has to sign counts on connections the app has signed", async () => {
  const json = JSON.stringify({ identity: ADA.email, password: PASSWORD });
  const request = {
    method: "POST",
    path: LOGIN,
    headers: [["Content-Type", "application/json"]] as const,
    body: json,
  };
  const { headers = [] } = signed(request);
  const answer = await call(pair.url, { method: "POST", path: LOGIN, headers, body: json });
  const token = String(JSON.parse(answer.text).token);
  expect(await refusedUpgrade(pair.url, { Authorization: token })).toBe("401 app_required");
  using unsigned = await openSocket(pair.url);
  expect(await unsigned.ask({ type: "auth", token })).toMatchObject({ code: "app_required" });
  const upgrade = signed({ path: PATH, headers: [["Authorization", token]] });
  using socket = await openSocket(pair.url, { headers: Object.fromEntries(upgrade.headers ?? []) });
  expect(await socket.ask({ type: "auth", token })).toMatchObject({ type: "subscribed" });
});

test("a session has so many places, whichever way it comes", async () => {
  const token = await login(pair.url, await createMember(pair.url));
  using one = await openSocket(pair.url, { token });
  using two = await openSocket(pair.url);
  expect(await two.ask({ type: "auth", token })).toMatchObject({ type: "subscribed" });
  expect(await refusedUpgrade(pair.url, { Authorization: token })).toBe("429 too_many_streams");
  using three = await openSocket(pair.url);
  expect(await three.ask({ type: "auth", token })).toMatchObject({ code: "too_many_streams" });
  one[Symbol.dispose]();
  await eventually(async () => (await three.ask({ type: "auth", token }))["type"] === "subscribed", 2_000);
});

test("RE6: a client that reads nothing is cut at its bound; others hear all", async () => {
  using quick = await openSocket(listed.url);
  await quick.ask({ type: "subscribe", topics: ["notices/*"] });
  const { hostname, port } = new URL(listed.url);
  const slow = connect({ host: hostname, port: Number(port) });
  let heard = "";
  slow.on("data", (part) => {
    heard += String(part);
  });
  const fields = UPGRADE.map((pairOf) => `${pairOf.join(": ")}\r\n`).join("");
  slow.write(`GET ${PATH} HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
  await eventually(() => heard.includes("connected"), 5_000);
  // 100 events of 50 KB for each write.
  const topics = Array.from({ length: 100 }, (_, n) => topicWith("notices/*", { query: { n } }));
  slow.write(clientFrame({ opcode: 1, payload: JSON.stringify({ type: "subscribe", topics }) }));
  await eventually(() => heard.includes("subscribed"), 5_000);
  slow.pause();
  const json = { title: "large", meta: "x".repeat(50_000) };
  const isCut = (): boolean => listed.child.output().includes("read too slowly");
  let sent = 0;
  for (; sent < 60 && !isCut(); sent++)
    expect((await call(listed.url, { path: NOTICES, json })).status).toBe(200);
  expect(isCut()).toBe(true);
  await eventually(() => quick.events().length === sent, 5_000);
  slow.destroy();
});

test("Hapta ends: every client is told to come back, each at its own time", async () => {
  await using hapta = await startHapta(pair.pb);
  const sockets = await Promise.all(Array.from({ length: 6 }, () => openSocket(hapta.url)));
  hapta.child.kill("SIGTERM");
  const ends = await Promise.all(sockets.map(({ closed }) => within(closed, 5_000, "the close")));
  const times = ends.map((end) => Number(/^1012 retry=(\d+)$/.exec(end)?.[1]));
  for (const ms of times) expect(ms).toBeWithin(500, 5_001);
  expect(new Set(times).size).toBeGreaterThan(1);
});
