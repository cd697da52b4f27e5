// RT1, RT3, RT4, RT10, RT13 and logins that carry old tokens, against real processes.
import { expect, test } from "bun:test";
import { connect } from "node:net";
import { IDS } from "../support/fixture/records.ts";
import { headOf } from "../support/wireReader.ts";
import {
  ADA,
  BEN,
  call,
  diariesSeen,
  jsonOf,
  login,
  logout,
  payloadOf,
  ROOT,
  refresh,
  refreshed,
  sharedPair,
  tryLogin,
  verdictOf,
  verify,
} from "./support.ts";

const pair = sharedPair();

test("RT1: 20 parallel refreshes give one token, one generation on", async () => {
  const token = await login(pair.url, ADA);
  const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(pair.url, token)));
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200));
  const tokens = new Set(answers.map((answer) => String(jsonOf(answer)["token"])));
  expect(tokens.size).toBe(1);
  const [next = ""] = tokens;
  expect(Number(payloadOf(next)["gen"])).toBe(Number(payloadOf(token)["gen"]) + 1);
  expect(await diariesSeen(pair.url, next)).toBe(1);
  expect(await refreshed(pair.url, next)).not.toBe(next);
});

test("RT1: racing refreshes of two sessions do not mix them up", async () => {
  const [ada, ben] = [await login(pair.url, ADA), await login(pair.url, BEN)];
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => refresh(pair.url, i % 2 === 0 ? ada : ben)),
  );
  for (const [i, answer] of answers.entries()) {
    const { token, record } = jsonOf(answer) as { token: string; record: { id: string } };
    const id = i % 2 === 0 ? IDS.ada : IDS.ben;
    expect([payloadOf(token)["id"], record.id]).toEqual([id, id]);
  }
});

test("RT3: a refresh whose answer is lost on its way is given again, to the same client and from elsewhere", async () => {
  const token = await login(pair.url, ADA);
  const { hostname, port } = new URL(pair.url);
  // The answer is on its way, so the new generation is stored; the client never reads it.
  await new Promise<void>((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on("error", reject);
    socket.once("data", () => {
      socket.destroy();
      resolve();
    });
    socket.write(
      `POST /api/collections/members/auth-refresh HTTP/1.1\r\nHost: a\r\nAuthorization: ${token}\r\nContent-Length: 0\r\n\r\n`,
    );
  });
  const again = await refreshed(pair.url, token);
  expect(Number(payloadOf(again)["gen"])).toBe(Number(payloadOf(token)["gen"]) + 1);
  const elsewhere = await call(pair.url, {
    method: "POST",
    path: "/api/collections/members/auth-refresh",
    token,
    headers: [["X-Forwarded-For", "203.0.113.44"]],
  });
  expect([elsewhere.status, String(jsonOf(elsewhere)["token"])]).toEqual([200, again]);
  expect(await diariesSeen(pair.url, again)).toBe(1);
});

test("RT4: a client that never saw its new token goes on with the old one, and may refresh again", async () => {
  const token = await login(pair.url, ADA);
  const lost = await refreshed(pair.url, token);
  for (let i = 0; i < 5; i++) expect(await diariesSeen(pair.url, token)).toBe(1);
  expect(await refreshed(pair.url, token)).toBe(lost);
  expect(await diariesSeen(pair.url, lost)).toBe(1);
  // Its successor was used just now: the grace runs.
  expect(await diariesSeen(pair.url, token)).toBe(1);
});

test("RT10: after logout's 204 no token of the session is usable, however a refresh races it", async () => {
  const round = async (): Promise<void> => {
    const token = await login(pair.url, ADA);
    const racing = Array.from({ length: 3 }, () => refresh(pair.url, token));
    const status = await logout(pair.url, token);
    const answers = await Promise.all([...racing, refresh(pair.url, token)]);
    expect(status).toBe(204);
    const minted = answers
      .filter((answer) => answer.status === 200)
      .map((answer) => String(jsonOf(answer)["token"]));
    for (const answer of answers) expect([200, 401]).toContain(answer.status);
    for (const one of new Set([token, ...minted])) {
      expect(await verify(pair.url, one)).toBe(401);
      expect(await diariesSeen(pair.url, one)).toBe(0);
    }
  };
  for (let i = 0; i < 6; i++) await Promise.all([round(), round(), round()]);
});

test("RT13: a failed login with a token attached leaves its session alone", async () => {
  const token = await login(pair.url, ADA);
  const failed = await tryLogin(pair.url, { ...ADA, password: "wrong" }, { token });
  expect(failed.status).toBe(400);
  expect(await verify(pair.url, token)).toBe(200);
});

test("RT13: MFA's first 401 leaves it alone too, and the second step gives a session", async () => {
  const token = await login(pair.url, ADA);
  const first = await tryLogin(pair.url, { collection: "keepers", email: "kim@example.com" }, { token });
  expect(first.status).toBe(401);
  const { mfaId } = jsonOf(first);
  expect(typeof mfaId).toBe("string");
  expect(await verify(pair.url, token)).toBe(200);
  const root = await login(pair.url, ROOT);
  const otp = await call(pair.url, {
    path: "/api/collections/_otps/records",
    token: root,
    json: { collectionRef: "pbc_keepers0001", recordRef: IDS.keeper, password: "12345678" },
  });
  const second = await call(pair.url, {
    path: "/api/collections/keepers/auth-with-otp",
    json: { otpId: jsonOf(otp)["id"], password: "12345678", mfaId },
  });
  const keeper = String(jsonOf(second)["token"]);
  expect(await verify(pair.url, keeper)).toBe(200);
  expect(await verify(pair.url, token)).toBe(200);
});

test("a login works whatever token comes along", async () => {
  const dead = await login(pair.url, ADA);
  expect(await logout(pair.url, dead)).toBe(204);
  const superseded = await login(pair.url, ADA);
  const newer = await refreshed(pair.url, superseded);
  for (const token of [dead, superseded, newer, "nonsense", "a.b.c", pair.pb.world.tokens.ben]) {
    const next = await login(pair.url, BEN, { token });
    expect(await verify(pair.url, next)).toBe(200);
  }
});

test("a stale token cannot keep anybody from logging in or using other routes as a guest would", async () => {
  // A new login supersedes nothing of another device's.
  const other = await login(pair.url, ADA);
  const token = await login(pair.url, ADA);
  await login(pair.url, ADA, { token });
  expect(await verify(pair.url, other)).toBe(200);
  // The one that came along runs out after the grace, until then it counts.
  expect(await diariesSeen(pair.url, token)).toBe(1);
});

test("a refresh at the wrong collection ends nothing", async () => {
  const token = await login(pair.url, ADA);
  const wrong = await refresh(pair.url, token, "keepers");
  expect(wrong.status).toBe(403);
  expect(await verify(pair.url, token)).toBe(200);
  const unknown = await refresh(pair.url, token, "nosuch");
  expect(unknown.status).toBe(404);
  expect(await verify(pair.url, token)).toBe(200);
});

test("a refresh by id or in another case of the collection's name rolls the session", async () => {
  let token = await login(pair.url, ADA);
  for (const name of ["pbc_members0001", "MEMBERS", "m%65mbers"]) {
    const answer = await refresh(pair.url, token, name);
    expect(`${name} ${answer.status}`).toBe(`${name} 200`);
    const next = String(jsonOf(answer)["token"]);
    expect(next).not.toBe(token);
    token = next;
  }
});

test("a guest's refresh is PocketBase's 401, word for word", async () => {
  const [ours, theirs] = await Promise.all(
    [pair.url, pair.pb.url].map((url) =>
      call(url, { method: "POST", path: "/api/collections/members/auth-refresh" }),
    ),
  );
  expect(ours?.text).toBe(theirs?.text ?? "");
  expect(verdictOf(ours ?? expect.unreachable())).toStartWith("401 ");
});

test("an impersonated token is not rotated and ends with a logout", async () => {
  const root = await login(pair.url, ROOT);
  const made = await call(pair.url, {
    path: `/api/collections/members/impersonate/${IDS.ada}`,
    token: root,
    json: { duration: 300 },
  });
  const token = String(jsonOf(made)["token"]);
  expect(await refreshed(pair.url, token)).toBe(token);
  expect(await refreshed(pair.url, token)).toBe(token);
  expect(await verify(pair.url, root)).toBe(200);
  expect(await logout(pair.url, token)).toBe(204);
  expect(await diariesSeen(pair.url, token)).toBe(0);
  const read = await call(pair.url, { path: "/api/collections/diaries/records", token });
  expect(headOf(read, "x-hapta-session")).toBe("revoked");
});
