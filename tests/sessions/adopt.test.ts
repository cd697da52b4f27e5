// Security.UpstreamTokens "adopt": whoever was signed in before Hapta came stays so. And superusers' tokens from
// outside: refused in either mode.
import { expect, test } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import {
  BEN,
  call,
  diariesSeen,
  jsonOf,
  login,
  logout,
  payloadOf,
  ROOT,
  refresh,
  sharedPair,
  verdictOf,
  verify,
} from "./support.ts";

const pair = sharedPair({ config: { Security: { UpstreamTokens: "adopt" } } });

test("a banned user is shut out with an adopted token, too", async () => {
  const json = { collection: "members", user: IDS.ben, seconds: 60 };
  const bans = { path: "/hapta/limits/bans", token: await login(pair.url, ROOT) };
  const list = { path: "/api/collections/notices/records", token: pair.pb.world.tokens.ben };
  expect((await call(pair.url, list)).status).toBe(200);
  expect((await call(pair.url, { ...bans, json })).status).toBe(200);
  expect(verdictOf(await call(pair.url, list))).toBe("403 banned");
  const lift = `${bans.path}?collection=members&user=${IDS.ben}`;
  expect((await call(pair.url, { ...bans, method: "DELETE", path: lift })).status).toBe(204);
  expect((await call(pair.url, list)).status).toBe(200);
});

const PUBLIC = [["X-Forwarded-For", "203.0.113.7"]] as const;

test("a raw token works, and its refresh becomes a session that rolls and ends", async () => {
  const raw = pair.pb.world.tokens.ada;
  expect(await diariesSeen(pair.url, raw)).toBe(1);
  const answer = await refresh(pair.url, raw);
  expect(answer.status).toBe(200);
  const token = String(jsonOf(answer)["token"]);
  expect(payloadOf(token)).toMatchObject({ iss: "hapta", id: IDS.ada, type: "auth" });
  expect(await diariesSeen(pair.pb.url, token)).toBe(0);
  expect(await verify(pair.url, token)).toBe(200);
  const next = String(jsonOf(await refresh(pair.url, token))["token"]);
  expect(next).not.toBe(token);
  expect(await logout(pair.url, next)).toBe(204);
  expect(await diariesSeen(pair.url, next)).toBe(0);
});

test("a raw token has no session, so /auth/* is 401", async () => {
  expect(await verify(pair.url, pair.pb.world.tokens.ben)).toBe(401);
  expect((await call(pair.url, { path: "/auth/sessions", token: pair.pb.world.tokens.ben })).status).toBe(
    401,
  );
});

test("Hapta's own ended tokens and forged ones are not adopted", async () => {
  const token = await login(pair.url, BEN);
  expect(await logout(pair.url, token)).toBe(204);
  expect(await verify(pair.url, token)).toBe(401);
  expect((await refresh(pair.url, token)).status).toBe(401);
  const [head, payload] = pair.pb.world.tokens.ada.split(".");
  expect(await diariesSeen(pair.url, `${head}.${payload}.${"A".repeat(43)}`)).toBe(0);
});

test("a file token of an adopted login opens its files", async () => {
  const asked = await call(pair.url, {
    method: "POST",
    path: "/api/files/token",
    token: pair.pb.world.tokens.ada,
  });
  expect(asked.status).toBe(200);
  const scan = `/api/files/diaries/${IDS.diary}/${pair.pb.world.files.scan}`;
  expect((await call(pair.url, { path: `${scan}?token=${String(jsonOf(asked)["token"])}` })).status).toBe(
    200,
  );
});

test("a superuser's token from a public client is refused, raw or not", async () => {
  const root = await login(pair.url, ROOT);
  for (const token of [root, `Bearer ${root}`, pair.pb.world.tokens.superuser]) {
    for (const path of [
      "/api/collections/ledgers/records",
      "/api/collections/notices/records",
      "/custom/hello",
    ]) {
      const answer = await call(pair.url, { path, token, headers: PUBLIC });
      expect(`${path} ${verdictOf(answer)}`).toBe(`${path} 401 superuser_refused`);
    }
    expect((await call(pair.url, { path: "/api/settings", token, headers: PUBLIC })).status).toBe(404);
    expect((await call(pair.url, { path: "/api/settings", token })).status).toBe(200);
  }
});

/** A token that says it is a superuser's, and that nobody has signed. */
const forgedSuperuser = (): string => {
  const [head, payload] = pair.pb.world.tokens.superuser.split(".");
  return `${head}.${payload}.${"A".repeat(43)}`;
};

test("a forged superuser's token opens nothing that Hapta itself decides about", async () => {
  const token = forgedSuperuser();
  const [guest, forged] = [
    await call(pair.url, { path: "/openapi.json" }),
    await call(pair.url, { path: "/openapi.json", token }),
  ];
  expect(forged.text).toBe(guest.text);
  expect(forged.text).not.toContain("/api/collections/_superusers/");
  await using strict = await startHapta(pair.pb, {
    config: {
      Security: { UpstreamTokens: "adopt", Collections: { comments: { Write: { Session: true } } } },
      ratelimit: { isEnabled: true, IP: true, Max: 3, Duration: 600_000 },
    },
  });
  const write = () =>
    call(strict.url, { path: "/api/collections/comments/records", token, json: { text: "forged" } });
  const heard: string[] = [];
  for (let count = 0; count < 5; count++) heard.push(verdictOf(await write()));
  expect(heard[0]).toBe("403 write_denied");
  const reads: string[] = [];
  for (let count = 0; count < 5; count++)
    reads.push(verdictOf(await call(strict.url, { path: "/api/collections/notices/records", token })));
  expect(reads.at(-1)).toBe("429 rate_limited");
});

test("a superuser's file token opens nothing from outside", async () => {
  const root = await login(pair.url, ROOT);
  const asked = await call(pair.url, { method: "POST", path: "/api/files/token", token: root });
  const token = String(jsonOf(asked)["token"]);
  const raw = await call(pair.pb.url, {
    method: "POST",
    path: "/api/files/token",
    token: pair.pb.world.tokens.superuser,
  });
  const path = `/api/files/diaries/${IDS.diary}/${pair.pb.world.files.scan}`;
  // Whatever PocketBase says to a superuser's file token, somebody outside gets no more than a guest.
  expect((await call(pair.url, { path: `${path}?token=${token}`, headers: PUBLIC })).status).not.toBe(200);
  const rawFile = String(jsonOf(raw)["token"]);
  expect((await call(pair.pb.url, { path: `${path}?token=${rawFile}` })).status).toBe(200);
  // PocketBase takes the first that it can decode.
  for (const before of ["", "token=%zz&", "token=a;b&", "a;token=b&", "token&", "token=&", "%74oken=x&"])
    expect([
      before,
      (await call(pair.url, { path: `${path}?${before}token=${rawFile}`, headers: PUBLIC })).status,
    ]).toEqual([before, 404]);
});

test("SU5: what a superuser makes with an adopted token ends with that superuser, too", async () => {
  const root = await login(pair.pb.url, ROOT);
  const email = "adopted@example.com";
  const json = { email, password: PASSWORD, passwordConfirm: PASSWORD };
  const path = "/api/collections/_superusers/records";
  const { id } = jsonOf(await call(pair.pb.url, { path, token: root, json }));
  const raw = await login(pair.pb.url, { collection: "_superusers", email });
  const impersonate = { path: `/api/collections/members/impersonate/${IDS.ada}`, token: raw, json: {} };
  const made = String(jsonOf(await call(pair.url, impersonate))["token"]);
  expect(await verify(pair.url, made)).toBe(200);
  const gone = await call(pair.pb.url, { method: "DELETE", path: `${path}/${id}`, token: root });
  expect(gone.status).toBe(204);
  await eventually(async () => (await verify(pair.url, made)) === 401, 10_000);
});
