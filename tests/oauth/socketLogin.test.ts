// The SDK's popup flow where the app waits on a WebSocket: the topic `@oauth2` of /ws/realtime. How a redirect is attacked
// is tested in popup.test.ts.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { call } from "../sessions/support.ts";
import { openSocket, type Socket } from "../support/socket.ts";
import { Browser, methodOf, START_MS, type Stand, startStand, TEST_MS } from "./support.ts";

setDefaultTimeout(TEST_MS);
const ADDRESS = "203.0.113.20";
const OUTSIDE = { "X-Forwarded-For": ADDRESS };
const SUBSCRIBE = { type: "subscribe", topics: ["@oauth2"] };

let stand: Stand;
beforeAll(async () => {
  stand = await startStand();
}, START_MS);
afterAll(async () => {
  await stand?.[Symbol.asyncDispose]();
});

/** Where a popup goes that is opened for this client, as the SDK makes it; and what its code is redeemed with. */
const startLogin = async ({ clientId }: Socket) => {
  const { authURL, codeVerifier } = await methodOf(stand.url);
  const redirectURL = `${stand.url}/api/oauth2-redirect`;
  const url = new URL(`${authURL}${encodeURIComponent(redirectURL)}`);
  url.searchParams.set("state", clientId);
  return { url: url.href, codeVerifier, redirectURL };
};

test("the provider's answer reaches the client that waits, once, and nobody else", async () => {
  stand.sub = "socket";
  using socket = await openSocket(stand.url, { headers: OUTSIDE });
  using other = await openSocket(stand.url, { headers: OUTSIDE });
  for (const client of [socket, other])
    expect(await client.ask(SUBSCRIBE)).toMatchObject({ type: "subscribed", topics: ["@oauth2"] });
  const { url, codeVerifier, redirectURL } = await startLogin(socket);
  const browser = new Browser(ADDRESS);
  expect(new URL(await browser.follow(url, [])).pathname).toBe("/auth/oauth2/done");
  const { data, topic } = await socket.frame(({ type }) => type === "event");
  const { state, code } = data as { readonly state: string; readonly code: string };
  expect([topic, state]).toEqual(["@oauth2", socket.clientId]);
  const json = { provider: "oidc", code, codeVerifier, redirectURL };
  const answer = await call(stand.url, { path: "/api/collections/members/auth-with-oauth2", json });
  const { token, record } = JSON.parse(answer.text);
  expect(record.email).toBe("socket@example.com");
  expect(await socket.ask({ type: "auth", token })).toMatchObject({ type: "subscribed", topics: [] });
  // The wait is over: the same redirect finds nobody.
  const again = await browser.visit(`${redirectURL}?state=${socket.clientId}&code=again`);
  expect(again.headers.get("location")).toBe("../auth/oauth2/failed");
  expect(await other.ask({ type: "ping" })).toEqual({ type: "pong" });
  expect([socket.events().length, other.events().length]).toEqual([1, 0]);
});

test("who no longer waits, or waits at another address, hears of no answer", async () => {
  using socket = await openSocket(stand.url, { headers: OUTSIDE });
  await socket.ask(SUBSCRIBE);
  const target = `${stand.url}/api/oauth2-redirect?state=${socket.clientId}&code=attackers`;
  const foreign = await new Browser("198.51.100.66").visit(target);
  expect(foreign.headers.get("location")).toBe("../auth/oauth2/failed");
  expect(await socket.ask({ type: "unsubscribe", topics: ["@oauth2"] })).toMatchObject({ topics: [] });
  expect((await new Browser(ADDRESS).visit(target)).headers.get("location")).toBe("../auth/oauth2/failed");
  expect(await socket.ask({ type: "ping" })).toEqual({ type: "pong" });
  expect(socket.events()).toEqual([]);
});
