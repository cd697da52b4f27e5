// Keys through the admin API: KV2, KV3; and what is made of Security.Secret (KV1, KV7).
import { expect, test } from "bun:test";
import { PUBLISHED_SECRETS } from "../../src/settings/variableChecks.ts";
import { ADA, BEN, call, login, payloadOf, refreshed, verdictOf, verify } from "../sessions/support.ts";
import { startChild } from "../support/childProcess.ts";
import { openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { createScratch, PROJECT_DIR } from "../support/scratch.ts";
import { ask, askJson, type EventItem, type Page, sharedPairWithKey } from "./support.ts";

const pair = sharedPairWithKey();

interface Key {
  readonly kid: string;
  readonly use: string;
  readonly state: string;
  readonly lastExpires?: string;
}

const keys = async (): Promise<readonly Key[]> =>
  (await askJson<{ items: Key[] }>(pair.url, "/hapta/keys")).items;
const stateOf = async (kid: string): Promise<string | undefined> =>
  (await keys()).find((key) => key.kid === kid)?.state;
const rotate = async (): Promise<string> =>
  (await askJson<{ kid: string }>(pair.url, "/hapta/keys/rotate", { method: "POST" })).kid;
const kidOf = (token: string): string =>
  String(
    (JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as Record<string, unknown>)[
      "kid"
    ],
  );

test("KV2: a rotation in traffic loses no token, and the next refresh signs with the new key", async () => {
  const before = await login(pair.url, ADA);
  const traffic = Array.from({ length: 20 }, () => verify(pair.url, before));
  const logins = Array.from({ length: 3 }, () => login(pair.url, BEN));
  const kid = await rotate();
  const during = await Promise.all(logins);
  expect(new Set(await Promise.all(traffic))).toEqual(new Set([200]));
  expect([await stateOf(kid), await stateOf(kidOf(before))]).toEqual(["active", "verify"]);
  const after = await refreshed(pair.url, before);
  expect([kidOf(after), kidOf(before) === kid]).toEqual([kid, false]);
  for (const token of [before, after, ...during]) expect(await verify(pair.url, token)).toBe(200);
  const old = (await keys()).find((key) => key.kid === kidOf(before));
  // It opens tokens until the last one it has signed is over.
  expect(Date.parse(old?.lastExpires ?? "")).toBeGreaterThanOrEqual(Number(payloadOf(before)["exp"]) * 1000);
  const text = JSON.stringify(await keys());
  expect(text).not.toMatch(/material|secret/i);
});

test("KV3: a revoked key ends its tokens and their streams at once, and no others", async () => {
  const old = await login(pair.url, ADA);
  using stream = await openEventStream(pair.url);
  await call(pair.url, {
    path: "/api/realtime",
    token: old,
    json: { clientId: stream.clientId, subscriptions: ["diaries/*"] },
  });
  await rotate();
  const young = await login(pair.url, ADA);
  const gone = await ask(pair.url, `/hapta/keys/${kidOf(old)}`, { method: "DELETE" });
  expect(`${gone.status} ${gone.text}`).toBe("204 ");
  expect([await verify(pair.url, old), await verify(pair.url, young)]).toEqual([401, 200]);
  await eventually(() => !stream.isOpen(), 1_000);
  for (const kid of [kidOf(old), "kxxxxxxxx", "..%2Fx", "x".repeat(64)]) {
    const answer = await ask(pair.url, `/hapta/keys/${kid}`, { method: "DELETE" });
    expect([400, 404]).toContain(answer.status);
  }
  // The signing one too: a new one takes its place.
  expect((await ask(pair.url, `/hapta/keys/${kidOf(young)}`, { method: "DELETE" })).status).toBe(204);
  expect(await verify(pair.url, young)).toBe(401);
  expect(await verify(pair.url, await login(pair.url, ADA))).toBe(200);
  const { items } = await askJson<Page<EventItem>>(pair.url, "/hapta/events?type=key_revoked");
  expect(items.map(({ detail }) => detail)).toEqual([
    `${kidOf(young)} by the admin key`,
    `${kidOf(old)} by the admin key`,
  ]);
  // The key that locks PocketBase's tokens is not to be lost this way.
  const vault = (await keys()).find(({ use }) => use === "vault")?.kid ?? "";
  expect(verdictOf(await ask(pair.url, `/hapta/keys/${vault}`, { method: "DELETE" }))).toBe("404 not_found");
});

test("KV1: a Security.Secret that is drawn at each start is warned about once, and sessions stay", async () => {
  using data = createScratch("secret");
  const tokens: string[] = [];
  const warnings: string[] = [];
  for (let start = 0; start < 4; start++) {
    await using hapta = await startHapta(pair.pb, {
      config: { Security: { Secret: crypto.randomUUID() } },
      env: { HAPTA_DATA_DIR: data.path },
    });
    for (const token of tokens) expect(await verify(hapta.url, token)).toBe(200);
    tokens.push(await login(hapta.url, ADA));
    hapta.child.kill("SIGTERM");
    await hapta.child.exited;
    warnings.push(
      ...hapta.child
        .output()
        .split("\n")
        .filter((line) => line.includes("Security.Secret")),
    );
  }
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain("sessions do not depend on it");
});

test("KV7: a published or short secret refuses to start, in one sentence that says what to do", async () => {
  using folder = createScratch("sample");
  for (const secret of [PUBLISHED_SECRETS[0] ?? "", "short"]) {
    await Bun.write(
      `${folder.path}/config.ts`,
      `export default ${JSON.stringify({ Security: { Secret: secret } })};\n`,
    );
    await using child = startChild({
      command: [process.execPath, "run", `${PROJECT_DIR}/src/index.ts`, "--check-config"],
      cwd: folder.path,
      env: {},
    });
    expect(await child.exited).toBe(1);
    expect(child.output()).toMatch(/Security\.Secret: .*random/);
    expect(child.output()).not.toContain(secret);
  }
});
