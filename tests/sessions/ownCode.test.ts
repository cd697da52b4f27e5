// TK2 for the app's own code: wherever a hook puts a token of PocketBase's, none that counts there reaches a client. What
// is at hand becomes a login here; what flows by leaves worthless.
import { beforeAll, expect, test } from "bun:test";
import { openEventStream } from "../support/eventStream.ts";
import { IDS } from "../support/fixture/records.ts";
import { exchange } from "../support/wire.ts";
import type { WireResponse } from "../support/wireReader.ts";
import { tokensIn } from "./recordingProxy.ts";
import {
  ADA,
  call,
  diariesSeen,
  login,
  ROOT,
  refresh,
  START_MS,
  sharedPair,
  verdictOf,
  verify,
} from "./support.ts";

const pair = sharedPair();
let ada: string;

beforeAll(async () => {
  ada = await login(pair.url, ADA);
}, START_MS);

const wholeOf = ({ status, headers, body }: WireResponse): string =>
  [status, ...headers.flat(), body.toString("latin1")].join("\n");

/** PocketBase would take none of the tokens in an answer for Ada's. */
const expectClean = async (answer: WireResponse): Promise<void> => {
  for (const token of new Set(tokensIn(wholeOf(answer)))) {
    expect(await diariesSeen(pair.pb.url, token)).toBe(0);
    expect((await call(pair.pb.url, { path: scanPath(token) })).status).toBe(404);
  }
};

const scanPath = (token: string): string =>
  `/api/files/diaries/${IDS.diary}/${pair.pb.world.files.scan}?token=${token}`;

interface Asked {
  readonly type: string;
  readonly body: string;
  readonly query?: string;
  readonly token?: string;
}

const ask = (url: string, { type, body, query = "", token }: Asked): Promise<WireResponse> =>
  exchange(url, {
    method: "POST",
    path: `/custom/template?type=${encodeURIComponent(type)}${query}`,
    headers: token === undefined ? [] : [["Authorization", token]],
    body,
  });

/** What the app answers through Hapta when its template is this. */
const answerOf = async (asked: Asked): Promise<WireResponse> => {
  const answer = await ask(pair.url, asked);
  await expectClean(answer);
  return answer;
};

test("asked directly, the same routes hand out tokens that count", async () => {
  const body = "%TOKEN% %FILE% %1%";
  const [token = "", file = "", last = ""] = tokensIn(
    (await ask(pair.pb.url, { type: "text/plain", body })).text,
  );
  for (const one of [token, last]) expect(await diariesSeen(pair.pb.url, one)).toBe(1);
  expect((await call(pair.pb.url, { path: scanPath(file) })).status).toBe(200);
});

const LOGINS: Readonly<Record<string, Asked>> = {
  nested: { type: "application/json", body: '{"data":{"token":"%TOKEN%","record":{"id":"x"}}}' },
  "in an array": { type: "application/json", body: '[{"token":"%TOKEN%","record":{}}]' },
  "under another name": { type: "application/json", body: '{"accessToken":"%TOKEN%"}' },
  "a JSON text": { type: "application/json", body: '"%TOKEN%"' },
  "another JSON type": { type: "application/vnd.api+json", body: '{"data":{"token":"%TOKEN%"}}' },
  "text/json": { type: "text/json", body: '{"token":"%TOKEN%"}' },
  "plain text": { type: "text/plain", body: "%TOKEN%" },
  "a web page": { type: "text/html", body: '<script>const token = "%TOKEN%"</script>' },
  "a failure": { type: "application/json", body: '{"token":"%TOKEN%"}', query: "&status=418" },
  "JSON in pieces": { type: "application/json", body: '{"a":[{"token":"%TOKEN%"}]}', query: "&piece=7" },
  "an octet stream": { type: "application/octet-stream", body: "%TOKEN%" },
};

for (const [name, asked] of Object.entries(LOGINS)) {
  test(`a login of the app's own becomes a session: ${name}`, async () => {
    const answer = await answerOf(asked);
    const [token = "", ...others] = tokensIn(answer.text);
    expect(others).toEqual([]);
    expect(await diariesSeen(pair.url, token)).toBe(1);
    expect(await diariesSeen(pair.pb.url, token)).toBe(0);
  });
}

const FLOWING: Readonly<Record<string, Asked>> = {
  "an event stream": { type: "text/event-stream", body: 'data: {"token":"%TOKEN%"}\n\n', query: "&piece=11" },
  "lines of JSON": {
    type: "application/x-ndjson",
    body: '{"token":"%TOKEN%"}\n{"token":"%FILE%"}\n',
    query: "&piece=1",
  },
  "text, byte by byte": { type: "text/plain", body: "<%TOKEN%>", query: "&piece=1" },
  "text, a head at a time": { type: "text/plain", body: "%TOKEN%", query: "&piece=37" },
  "JSON over 1 MiB": {
    type: "application/json",
    body: `{"pad":"${"p".repeat(1_100_000)}","token":"%TOKEN%"}`,
  },
  "a page over 1 MiB": {
    type: "text/html",
    body: `${"p".repeat(1_100_000)}<%TOKEN%>${"p".repeat(100_000)}<%FILE%>`,
  },
};

for (const [name, asked] of Object.entries(FLOWING)) {
  test(`a token that flows by gets no client into PocketBase, the rest stays as it is: ${name}`, async () => {
    const answer = await answerOf(asked);
    expect(answer.status).toBe(200);
    const pattern = asked.body.split(/%(?:TOKEN|FILE)%/);
    let at = 0;
    for (const text of pattern) {
      const found = answer.text.indexOf(text, at);
      expect(found).toBeGreaterThanOrEqual(at);
      at = found + text.length;
    }
    expect(answer.text.endsWith(pattern.at(-1) ?? "")).toBe(true);
    expect(tokensIn(answer.text).length).toBe(pattern.length - 1);
    // Pieces that the network joins are at hand at once, and become a login after all.
    for (const token of tokensIn(answer.text))
      if (!token.endsWith("x".repeat(43))) expect(await verify(pair.url, token)).toBe(200);
  });
}

test("a route that repeats the Authorization header repeats the visitor's own token", async () => {
  const body = '{"seen":{"Authorization":["%AUTH%"]}}';
  const answer = await answerOf({ type: "application/json", body, token: ada });
  expect(answer.text).toBe(body.replace("%AUTH%", ada));
  const flowing = await answerOf({ type: "text/plain", body: "%AUTH%", query: "&piece=5", token: ada });
  expect(flowing.text).not.toContain(ada);
});

test("a login route does not end the session it was asked with", async () => {
  const before = await login(pair.url, ADA);
  await answerOf({ type: "application/json", body: '{"token":"%1%"}', token: before });
  // A session that was replaced still serves for a moment, but is not renewed.
  const renewed = JSON.parse((await refresh(pair.url, before)).text) as { token: string };
  expect(renewed.token).not.toBe(before);
  expect(await verify(pair.url, before)).toBe(200);
});

test("the caller's own file token becomes Hapta's, a stranger's leaves worthless", async () => {
  const body = '{"url":"%FILE%"}';
  const own = await answerOf({ type: "application/json", body, token: ada });
  const [mine = ""] = tokensIn(own.text);
  expect((await call(pair.url, { path: scanPath(mine) })).status).toBe(200);
  const [other = ""] = tokensIn((await answerOf({ type: "application/json", body })).text);
  expect((await call(pair.url, { path: scanPath(other) })).status).toBe(404);
  expect((await call(pair.pb.url, { path: scanPath(other) })).status).toBe(404);
});

const HEADERS = ["X-Token", "Set-Cookie", "Location", "Link"] as const;

test.each(HEADERS)("a login in a header becomes a session: %s", async (header) => {
  const value = encodeURIComponent(header === "Location" ? "/in?t=%TOKEN%" : "pb_auth=%TOKEN%; Path=/");
  const status = header === "Location" ? 302 : 200;
  const query = `&header=${header}&value=${value}&status=${status}`;
  for (const piece of ["", "&piece=3"]) {
    const answer = await answerOf({ type: "text/plain", body: "done", query: query + piece });
    const [token = ""] = tokensIn(wholeOf(answer));
    expect(await diariesSeen(pair.url, token)).toBe(1);
    expect(answer.text).toBe("done");
  }
});

test("of many logins in one answer the first four are opened, no other one gets out", async () => {
  const body = '["%1%","%2%","%3%","%4%","%5%","%6%"]';
  const tokens = tokensIn((await answerOf({ type: "application/json", body })).text);
  const seen = await Promise.all(tokens.map((token) => diariesSeen(pair.url, token)));
  expect(seen).toEqual([1, 1, 1, 1, 0, 0]);
});

test("an encoded answer that was not asked for is refused, whoever asks", async () => {
  for (const coding of ["gzip", "br", "x-odd"]) {
    const answer = await call(pair.url, {
      method: "POST",
      path: `/custom/template?type=text/plain&coding=${coding}`,
      json: "%TOKEN%",
      headers: [["Accept-Encoding", "gzip, br"]],
    });
    expect(verdictOf(answer)).toBe("502 upstream_invalid");
  }
});

test("a hook's token in a record: written ones become a session, read ones leave worthless", async () => {
  const email = `own-${process.pid}@example.com`;
  const made = await call(pair.url, {
    path: "/api/collections/members/records?tokens=yes",
    json: { email, password: "some horse 1", passwordConfirm: "some horse 1", name: "Own" },
  });
  const { id, handedOut } = JSON.parse(made.text) as { id: string; handedOut: string };
  await expectClean(made);
  expect(await verify(pair.url, handedOut)).toBe(200);
  const root = await login(pair.url, ROOT);
  for (const path of [
    `/api/collections/members/records/${id}?tokens=yes`,
    "/api/collections/members/records?tokens=yes",
  ]) {
    const read = await call(pair.url, { path, token: root });
    expect(read.status).toBe(200);
    await expectClean(read);
    expect(tokensIn(read.text).length).toBeGreaterThan(0);
  }
  const signedIn = await call(pair.url, {
    path: "/api/collections/members/auth-with-password?tokens=yes",
    json: { identity: email, password: "some horse 1" },
  });
  await expectClean(signedIn);
  expect(await verify(pair.url, (JSON.parse(signedIn.text) as { token: string }).token)).toBe(200);
});

test("a hook's token in a realtime event leaves worthless", async () => {
  const root = await login(pair.url, ROOT);
  using stream = await openEventStream(pair.url);
  const topic = `members/*?options=${encodeURIComponent(JSON.stringify({ query: { tokens: "yes" } }))}`;
  const subscribed = await call(pair.url, {
    path: "/api/realtime",
    token: root,
    json: { clientId: stream.clientId, subscriptions: [topic] },
  });
  expect(subscribed.status).toBe(204);
  const path = `/api/collections/members/records/${IDS.ben}`;
  await call(pair.url, { method: "PATCH", path, token: root, json: { name: "Ben again" } });
  const text = await stream.contains('"handedOut"');
  const tokens = tokensIn(text);
  expect(tokens.length).toBeGreaterThan(0);
  for (const token of tokens) {
    expect(token).toEndWith("x".repeat(43));
    expect((await refresh(pair.pb.url, token)).status).toBe(401);
  }
});

// Last: it ends every session of the collection.
test("a token counts also when the auth rule would not renew it, and it does not leave either", async () => {
  const token = await login(pair.url, ROOT);
  const path = "/api/collections/members";
  const changed = await call(pair.url, {
    method: "PATCH",
    path,
    token,
    json: { authRule: "role = 'reader'" },
  });
  expect(changed.status).toBe(200);
  const body = "%TOKEN%";
  const [direct = ""] = tokensIn((await ask(pair.pb.url, { type: "text/plain", body })).text);
  expect(await diariesSeen(pair.pb.url, direct)).toBe(1);
  const answer = await answerOf({ type: "text/plain", body });
  expect(await diariesSeen(pair.url, answer.text)).toBe(1);
});
