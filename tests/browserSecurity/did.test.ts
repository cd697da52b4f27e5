// The did cookie over HTTP: who gets one, and RT6, RT7, RT8, RT12 told apart by nothing else. Every request here comes
// from the same address and the same kind of browser.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { ageSessions } from "../sessions/ageing.ts";
import {
  ADA,
  BEN,
  type Call,
  call,
  jsonOf,
  ROOT,
  START_MS,
  TEST_MS,
  tryLogin,
  verdictOf,
} from "../sessions/support.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { createScratch, type Scratch } from "../support/scratch.ts";
import { setCookiesOf, Tab } from "./tab.ts";

setDefaultTimeout(TEST_MS);
const DID = "hapta_did";
const LOGIN = "/api/collections/members/auth-with-password";
const REFRESH = "/api/collections/members/auth-refresh";
const DIARIES = "/api/collections/diaries/records";

let pb: PocketBase;
let data: Scratch;
let hapta: Hapta;
const start = (): Promise<Hapta> =>
  startHapta(pb, {
    env: { HAPTA_DATA_DIR: data.path },
    config: { Network: { TrustedProxies: ["127.0.0.1"] } },
  });

/** A tab that is logged in, with the tokens it has had, oldest first. */
interface Signed {
  readonly tab: Tab;
  readonly tokens: string[];
}

const signIn = async (): Promise<Signed> => {
  const tab = new Tab(hapta.url);
  const answer = await tab.send({ path: LOGIN, json: { identity: ADA.email, password: PASSWORD } });
  const token = jsonOf(answer)["token"];
  expect(typeof token).toBe("string");
  return { tab, tokens: [String(token)] };
};

const refresh = async (tab: Tab, token: string | undefined): Promise<string> => {
  const answer = await tab.send({ method: "POST", path: REFRESH, token });
  return answer.status === 200 ? String(jsonOf(answer)["token"]) : verdictOf(answer);
};

const read = async (tab: Tab, token: string | undefined): Promise<string> => {
  const answer = await tab.send({ path: DIARIES, token });
  return answer.status === 200 ? `sees ${jsonOf(answer)["totalItems"]}` : verdictOf(answer);
};

/** Families whose first token was replaced by one that was used ten minutes ago. */
const aged: Signed[] = [];

beforeAll(async () => {
  pb = await startPocketBase();
  data = createScratch("did");
  hapta = await start();
  for (let i = 0; i < 6; i++) {
    const family = await signIn();
    const { tab, tokens } = family;
    tokens.push(await refresh(tab, tokens[0]));
    expect(await read(tab, tokens[1])).toBe("sees 1");
    aged.push(family);
  }
  await hapta[Symbol.asyncDispose]();
  ageSessions(data.path, 600_000);
  hapta = await start();
  for (const { tab } of aged) tab.url = hapta.url;
}, START_MS);
afterAll(async () => {
  await hapta[Symbol.asyncDispose]();
  await pb[Symbol.asyncDispose]();
  data[Symbol.dispose]();
}, START_MS);

const take = (): Signed => aged.pop() ?? expect.unreachable();
const thief = (did?: string): Tab => {
  const tab = new Tab(hapta.url);
  if (did !== undefined) tab.jar.set(DID, did);
  return tab;
};
const OTHER_DID = "thiefThiefThiefThief00";

describe("replays", () => {
  test("RT6: a stolen token past its grace ends the family when it comes without the did", async () => {
    const { tab, tokens } = take();
    expect(await read(thief(), tokens[0])).toBe("sees 0");
    expect(await read(tab, tokens[1])).toBe("sees 0");
    expect(await refresh(tab, tokens[1])).toStartWith("401");
  });

  test("RT6: or with another did, or when it is refreshed", async () => {
    const first = take();
    expect(await read(thief(OTHER_DID), first.tokens[0])).toBe("sees 0");
    expect(await read(first.tab, first.tokens[1])).toBe("sees 0");
    const second = take();
    expect(await refresh(thief(), second.tokens[0])).toStartWith("401");
    expect(await read(second.tab, second.tokens[1])).toBe("sees 0");
  });

  test("RT12: the honest tab, late and in another network, is told to refresh and gets the current token", async () => {
    const { tab, tokens } = take();
    expect(await read(tab, tokens[0])).toBe("401 session_stale");
    const away: Call["headers"] = [["X-Forwarded-For", "203.0.113.9"]];
    const answer = await tab.send({ method: "POST", path: REFRESH, token: tokens[0], headers: away });
    expect(jsonOf(answer)["token"]).toBe(String(tokens[1]));
    expect(await read(tab, tokens[1])).toBe("sees 1");
  });

  test("RT7: a thief who refreshes first and uses it is found out by the owner's next request", async () => {
    const { tab, tokens } = take();
    const stolen = await refresh(thief(), tokens[1]);
    expect(await read(thief(), stolen)).toBe("sees 1");
    // The owner still holds what was current; in its grace it serves, its refresh tells.
    expect(await refresh(tab, tokens[1])).toStartWith("401");
    expect(await read(thief(), stolen)).toBe("sees 0");
  });

  test("RT8: a thief with another did who refreshes and never uses it forks the family", async () => {
    const { tab, tokens } = take();
    const stolen = await refresh(thief(OTHER_DID), tokens[1]);
    expect(stolen).toStartWith("ey");
    expect(await refresh(tab, tokens[1])).toStartWith("401");
    expect(await read(thief(OTHER_DID), stolen)).toBe("sees 0");
  });
});

describe("who gets a did", () => {
  const login = async (headers: Call["headers"], account = ADA): Promise<string[]> => {
    const answer = await tryLogin(hapta.url, account, { headers: headers ?? [] });
    expect(answer.status).toBe(200);
    return setCookiesOf(answer);
  };
  const own = (): Call["headers"] => [["Origin", hapta.url]];

  test("a browser that logs in from a page of the same origin, once", async () => {
    const [cookie = "", ...others] = await login(own());
    expect(cookie).toMatch(/^hapta_did=[\w-]{22}; Path=\/; Max-Age=34560000; HttpOnly; SameSite=Lax$/);
    expect(others).toEqual([]);
    const tab = new Tab(hapta.url);
    tab.jar.set(DID, cookie.slice(DID.length + 1, DID.length + 23));
    for (const email of [ADA.email, BEN.email]) {
      const answer = await tab.send({ path: LOGIN, json: { identity: email, password: PASSWORD } });
      expect([answer.status, setCookiesOf(answer)]).toEqual([200, []]);
    }
  });

  test("instead of a malformed one, and instead of two", async () => {
    for (const cookie of ["hapta_did=short", `hapta_did=${OTHER_DID}; hapta_did=${OTHER_DID}`]) {
      const given = await login([
        ["Sec-Fetch-Site", "same-origin"],
        ["Cookie", cookie],
      ]);
      expect(given).toHaveLength(1);
    }
  });

  test("over https under a name that only this host can set", async () => {
    const viaProxy: Call["headers"] = [
      ["Origin", hapta.url.replace("http:", "https:")],
      ["X-Forwarded-For", "203.0.113.9"],
      ["X-Forwarded-Proto", "https"],
      // What a sister host could plant counts for nothing there.
      ["Cookie", `hapta_did=${OTHER_DID}`],
    ];
    const [cookie = ""] = await login(viaProxy);
    expect(cookie).toMatch(/^__Host-hapta_did=[\w-]{22}; .*; Secure$/);
  });

  test("nobody else: native clients, other origins, failed logins, refreshes, impersonation", async () => {
    expect(await login([])).toEqual([]);
    expect(await login([["Origin", "https://app.example"]])).toEqual([]);
    expect(
      await login([
        ["Sec-Fetch-Site", "cross-site"],
        ["Origin", "https://app.example"],
      ]),
    ).toEqual([]);
    const failed = await tryLogin(hapta.url, { ...ADA, password: "wrong" }, { headers: own() ?? [] });
    expect([failed.status, setCookiesOf(failed)]).toEqual([400, []]);
    const { tab, tokens } = await signIn();
    tab.jar.clear();
    const renewed = await tab.send({ method: "POST", path: REFRESH, token: tokens[0] });
    expect([renewed.status, setCookiesOf(renewed)]).toEqual([200, []]);
    const root = jsonOf(await tryLogin(hapta.url, ROOT))["token"];
    const path = `/api/collections/members/impersonate/${IDS.ada}`;
    const other = await call(hapta.url, { path, json: {}, token: String(root), headers: own() ?? [] });
    expect([other.status, setCookiesOf(other)]).toEqual([200, []]);
  });
});
