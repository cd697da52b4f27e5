import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { inspect } from "node:util";
import { eventually } from "../../tests/support/eventually.ts";
import { createScratch } from "../../tests/support/scratch.ts";
import { DAY, HOUR, LAPTOP, startSessions } from "../../tests/support/sessionKit.ts";
import { loadRootKey, RootKey, SessionStartError } from "./rootKey.ts";
import { systemRandom } from "./sources.ts";

const HEX = "00112233445566778899aabbccddeeff102132435465768798a9bacbdcedfe0f";

const load = (dataDir: string, more: { text?: string; mayCreate?: boolean } = {}) => {
  const warnings: string[] = [];
  const options = {
    dataDir,
    mayCreate: true,
    random: systemRandom,
    warn: (line: string) => warnings.push(line),
  };
  return { key: loadRootKey({ ...options, ...more }), warnings };
};

const mint = async (kit: ReturnType<typeof startSessions>, token: string): Promise<string> => {
  const outcome = await kit.sessions.refresh(token, LAPTOP);
  if (outcome.kind !== "minted") throw new Error(`not minted: ${outcome.kind}`);
  return outcome.token;
};

test("loadRootKey makes a private file once and reads it again", () => {
  using scratch = createScratch("root");
  const first = load(scratch.path).key.derive("etag").toString("hex");
  const path = join(scratch.path, "hapta.root");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(load(scratch.path).key.derive("etag").toString("hex")).toBe(first);
});

test("loadRootKey reads hex and base64 and refuses what is no random key", () => {
  using scratch = createScratch("root");
  const bytes = Buffer.from(HEX, "hex");
  const texts = [HEX, HEX.toUpperCase(), bytes.toString("base64"), bytes.toString("base64url"), ` ${HEX}\n`];
  const keys = texts.map((text) => load(scratch.path, { text }).key.derive("signing").toString("hex"));
  expect(new Set(keys).size).toBe(1);
  expect(readdirSync(scratch.path)).toEqual([]);
  for (const text of ["", "secret", HEX.slice(2), "0".repeat(64), "ab".repeat(32), `${HEX}00`]) {
    expect(() => load(scratch.path, { text })).toThrow(SessionStartError);
  }
});

test("RootKey prints as stars and gives each label and context its own key", () => {
  const key = new RootKey(Buffer.from(HEX, "hex"));
  for (const text of [`${key}`, JSON.stringify({ key }), inspect(key)])
    expect(text).not.toContain("00112233");
  const derived = [
    key.derive("signing"),
    key.derive("vault"),
    key.derive("signing", "a"),
    key.derive("signing", "b"),
  ];
  expect(new Set(derived.map((one) => one.toString("hex"))).size).toBe(4);
});

test("KV6: a root file or folder that others can read is repaired with a warning", () => {
  using scratch = createScratch("root");
  load(scratch.path);
  const path = join(scratch.path, "hapta.root");
  chmodSync(path, 0o644);
  chmodSync(scratch.path, 0o755);
  const { warnings } = load(scratch.path);
  expect(warnings).toHaveLength(2);
  expect([statSync(path).mode & 0o777, statSync(scratch.path).mode & 0o777]).toEqual([0o600, 0o700]);
  expect(load(scratch.path).warnings).toEqual([]);
});

test("loadRootKey refuses a damaged file and a missing one beside sessions", () => {
  using scratch = createScratch("root");
  writeFileSync(join(scratch.path, "hapta.root"), "short", { mode: 0o600 });
  expect(() => load(scratch.path)).toThrow(SessionStartError);
  rmSync(join(scratch.path, "hapta.root"));
  expect(() => load(scratch.path, { mayCreate: false })).toThrow(/gone/);
  expect(existsSync(join(scratch.path, "hapta.root"))).toBe(false);
});

test("KV1: sessions outlive restarts with another Security.Secret each time", async () => {
  using kit = startSessions();
  const token = await kit.login();
  const changes: string[] = [];
  for (let restart = 0; restart < 5; restart++) {
    const processes = [kit.restart(), kit.other(), kit.other(), kit.other()];
    changes.push(await kit.sessions.keys.noteSecret(crypto.randomUUID()));
    for (const one of processes) expect(await one.resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
  }
  expect(changes).toEqual(["first", "changed", "again", "again", "again"]);
  expect(kit.sessions.events({ type: "secret_changed" })).toHaveLength(4);
});

test("KV2: after a key rotation old and new tokens are valid, the next refresh signs anew, the old key retires", async () => {
  using kit = startSessions();
  const first = await kit.login();
  const before = kit.sessions.keys.signingKid;
  const other = kit.other();
  const kid = await kit.sessions.keys.rotate();
  expect([kit.sessions.keys.signingKid, kid === before]).toEqual([kid, false]);
  expect(kit.sessions.resolve(first, LAPTOP)).toMatchObject({ kind: "live" });
  const second = await mint(kit, first);
  expect(Buffer.from(second.split(".")[0] ?? "", "base64url").toString()).toContain(kid);
  expect(kit.sessions.resolve(second, LAPTOP)).toMatchObject({ kind: "live" });
  // A process that has not heard of the key yet.
  expect(other.resolve(second, LAPTOP)).toMatchObject({ kind: "live" });
  // Once its last token has ended the old key is gone from the ring.
  kit.clock.advance(5 * DAY + DAY + HOUR);
  kit.restart();
  expect(await kit.sessions.keys.revoke(kid)).toBe(true);
  expect(kit.sessions.resolve(first, LAPTOP)).toEqual({ kind: "invalid" });
});

test("KV3: a revoked key ends its tokens at once, in every process, and no others", async () => {
  using kit = startSessions();
  const old = await kit.login({ uid: "user00000000001" });
  const oldKid = kit.sessions.keys.signingKid;
  await kit.sessions.keys.rotate();
  const young = await kit.login({ uid: "user00000000002" });
  const other = kit.other();
  for (const one of [kit.sessions, other]) {
    expect(one.resolve(old, LAPTOP)).toMatchObject({ kind: "live" });
    expect(one.resolve(young, LAPTOP)).toMatchObject({ kind: "live" });
  }
  expect(await kit.sessions.keys.revoke(oldKid)).toBe(true);
  expect(await kit.sessions.keys.revoke("../x")).toBe(false);
  kit.clock.advance(300);
  for (const one of [kit.sessions, other]) {
    expect(one.resolve(old, LAPTOP)).toEqual({ kind: "invalid" });
    expect(one.resolve(young, LAPTOP)).toMatchObject({ kind: "live" });
  }
  expect(await kit.sessions.keys.revoke(kit.sessions.keys.signingKid)).toBe(true);
  expect(await kit.login({ uid: "user00000000003" })).toBeString();
});

test("KV2: logins and refreshes under way while keys rotate lose no token", async () => {
  using kit = startSessions();
  const isLive = async (token: string): Promise<boolean> =>
    (await kit.sessions.resolve(token, LAPTOP)).kind === "live";
  // So many that the rotation is the last of its transaction: what is begun beside it is stored after it.
  const filling = Array.from({ length: 255 }, () => kit.sessions.record({ type: "limit_hit" }));
  const rotated = kit.sessions.keys.rotate();
  // Begun with a key that has signed nothing so far, stored when it is retired.
  const during = await kit.login({ uid: "during" });
  await Promise.all([rotated, ...filling]);
  const tokens = [during, await kit.login({ uid: "after" })];
  expect(await Promise.all(tokens.map(isLive))).toEqual([true, true]);
  // What each key has signed is on disk with it: it still counts when the key is long retired.
  for (let at = 0; at < 2; at++) await kit.sessions.keys.rotate();
  kit.clock.advance(2 * DAY);
  kit.restart();
  expect(await Promise.all(tokens.map(isLive))).toEqual([true, true]);
});

test("keys rotate by themselves when they are old, once for all processes", async () => {
  using kit = startSessions();
  const other = kit.other();
  expect(await kit.sessions.keys.rotateIfOlder(90 * DAY)).toBe(false);
  kit.clock.advance(91 * DAY);
  const before = kit.sessions.keys.signingKid;
  const [a, b] = await Promise.all([kit.sessions, other].map((one) => one.keys.rotateIfOlder(90 * DAY)));
  expect([a, b].filter(Boolean)).toHaveLength(1);
  expect(kit.sessions.keys.signingKid).not.toBe(before);
  expect(
    kit.sessions.keys
      .list()
      .map(({ use, state }) => `${use} ${state}`)
      .sort(),
  ).toEqual(["signing active", "signing verify", "vault active"]);
});

test("KV3: sessions of a revoked key leave the list and their listeners hear of it", async () => {
  const ended: string[] = [];
  const endedBeside: string[] = [];
  using kit = startSessions({ onEnded: ({ ids }) => ended.push(...ids) });
  const old = await kit.login({ uid: "user00000000001" });
  const oldId = (await kit.sessions.resolve(old, LAPTOP)) as { session: { id: string } };
  const { signingKid } = kit.sessions.keys;
  const other = kit.other({ onEnded: ({ ids }) => endedBeside.push(...ids) });
  await kit.sessions.keys.rotate();
  await kit.login({ uid: "user00000000002" });
  await kit.sessions.keys.revoke(signingKid, { actor: "the admin key" });
  await eventually(() => ended.length > 0, 2_000);
  expect(ended).toEqual([oldId.session.id]);
  other.listen();
  await eventually(() => endedBeside.length > 0, 2_000);
  expect(endedBeside).toEqual([oldId.session.id]);
  expect(kit.sessions.page({ limit: 10 }).sessions.map(({ uid }) => uid)).toEqual(["user00000000002"]);
  expect(kit.sessions.events({ type: "key_revoked" })[0]?.detail).toBe(`${signingKid} by the admin key`);
});

/** Every file that holds data, by hash; the shared-memory index and an empty log hold none. */
const digest = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => !name.endsWith("-shm"))
    .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }))
    .filter(({ bytes }) => bytes.length > 0)
    .map(({ name, bytes }) => `${name} ${createHash("sha256").update(bytes).digest("hex")}`);

const WRONG = HEX.replace("00", "01");

test("KV5: a wrong root key refuses to start and changes nothing", async () => {
  using kit = startSessions({ rootKeyText: HEX });
  const token = await kit.login();
  // As a crash leaves it: with a log that was not merged.
  using crashed = createScratch("crashed");
  cpSync(kit.dataDir, crashed.path, { recursive: true });
  kit.sessions.close();
  for (const dataDir of [kit.dataDir, crashed.path]) {
    const before = digest(dataDir);
    expect(() => kit.other({ dataDir, rootKeyText: WRONG })).toThrow(
      /not the one the sessions were made with/,
    );
    expect(digest(dataDir)).toEqual(before);
    expect(kit.other({ dataDir }).resolve(token, LAPTOP)).toMatchObject({ kind: "live" });
  }
});

test("KV5: without its root file a database refuses to start, and no new file is made", () => {
  using kit = startSessions();
  kit.sessions.close();
  rmSync(join(kit.dataDir, "hapta.root"));
  expect(() => kit.other()).toThrow(SessionStartError);
  expect(existsSync(join(kit.dataDir, "hapta.root"))).toBe(false);
});
