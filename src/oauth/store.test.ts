// Logins under way, over a clock of our own: what is too old is gone, whoever asks; what is stored cannot be read.

import type { Database } from "bun:sqlite";
import { afterEach, beforeEach, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { createSealer, openOAuthDatabase } from "./database.ts";
import { Devices } from "./devices.ts";
import { Guesses } from "./guesses.ts";
import { createIssuedVerifiers } from "./issuedVerifiers.ts";
import { OAuthBusy, Slips } from "./slips.ts";
import { newUserCode, readUserCode } from "./userCode.ts";

let db: Database;
let nowMs = 0;
const now = (): number => nowMs;
const sealer = createSealer(randomBytes(32));
beforeEach(() => {
  db = openOAuthDatabase(":memory:");
  nowMs = 1_800_000_000_000;
});
afterEach(() => db.close());

const LIMITS = { rowsMax: 5, rowsPerOwnerMax: 3 };
const slipOf = (value: unknown, owner = "a") => ({ value, ttlMs: 60_000, owner });
const INFO = { cid: "c", provider: "", label: "", address: "a", kind: "TV", startedMs: 0 };
const OWNER = "a";
const RESULT = { status: 200, body: { token: "secret" }, atMs: 0 };

test("a slip is read until its time, taken once, and not found under another kind or secret", () => {
  const slips = new Slips(db, { ...LIMITS, sealer, now });
  slips.put("code", "s", slipOf({ a: 1 }));
  expect(slips.read("code", "s")).toEqual({ a: 1 });
  expect([slips.read("flow", "s"), slips.take("ticket", "s"), slips.take("code", "t")]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  expect([slips.take("code", "s"), slips.take("code", "s")]).toEqual([{ a: 1 }, undefined]);
  slips.put("code", "late", slipOf(1));
  nowMs += 60_000;
  expect([slips.read("code", "late"), slips.take("code", "late")]).toEqual([undefined, undefined]);
});

test("slips have a bound for each owner and in all; what is too old makes room", () => {
  const slips = new Slips(db, { ...LIMITS, sealer, now });
  for (const secret of ["1", "2", "3"]) slips.put("flow", secret, slipOf(1));
  expect(() => slips.put("flow", "4", slipOf(1))).toThrow(OAuthBusy);
  for (const secret of ["5", "6"]) slips.put("flow", secret, slipOf(1, "b"));
  expect(() => slips.put("flow", "7", slipOf(1, "c"))).toThrow(OAuthBusy);
  nowMs += 60_001;
  slips.put("flow", "8", slipOf(1, "c"));
});

test("nothing in a row can be read without its secret and the key", () => {
  const slips = new Slips(db, { ...LIMITS, sealer, now });
  slips.put("code", "the secret", slipOf("the value"));
  const rows = JSON.stringify(db.query("SELECT id, owner, hex(sealed) AS sealed FROM slips").all());
  for (const text of ["the secret", "the value"])
    for (const form of [
      text,
      Buffer.from(text).toString("hex").toUpperCase(),
      Buffer.from(text).toString("base64url"),
    ])
      expect(rows).not.toContain(form);
  const stranger = new Slips(db, { ...LIMITS, sealer: createSealer(randomBytes(32)), now });
  expect(stranger.take("code", "the secret")).toBeUndefined();
  const blob = sealer.seal("one", 1);
  expect([
    sealer.open("one", blob),
    sealer.open("other", blob),
    sealer.open("one", blob.subarray(1)),
  ]).toEqual([1, undefined, undefined]);
});

test("a device goes its way one step at a time and is gone in time", () => {
  const devices = new Devices(db, { ...LIMITS, sealer, now });
  devices.add({ device: "d", user: "BBBB-BBBB", owner: OWNER }, INFO);
  const id = devices.byUserCode("BBBB-BBBB")?.id ?? "";
  expect(devices.byDeviceCode("d")).toEqual({ id, status: "pending", info: INFO });
  expect(devices.finish(id, RESULT)).toBe(false);
  expect([
    devices.move(id, ["opened"], "confirmed"),
    devices.move(id, ["pending", "opened"], "confirmed"),
  ]).toEqual([false, true]);
  expect(devices.takeResult(id)).toBeUndefined();
  expect([devices.finish(id, RESULT), devices.finish(id, RESULT)]).toEqual([true, false]);
  expect([devices.takeResult(id), devices.takeResult(id)]).toEqual([RESULT, undefined]);

  devices.add({ device: "e", user: "CCCC-CCCC", owner: OWNER }, INFO);
  const late = devices.byDeviceCode("e")?.id ?? "";
  devices.move(late, ["pending"], "confirmed");
  devices.finish(late, RESULT);
  nowMs += 60_000;
  expect([devices.byDeviceCode("e"), devices.takeResult(late)]).toEqual([undefined, undefined]);
  devices.add({ device: "f", user: "DDDD-DDDD", owner: OWNER }, INFO);
  const never = devices.byDeviceCode("f")?.id ?? "";
  nowMs += 600_000;
  expect([devices.byUserCode("DDDD-DDDD"), devices.move(never, ["pending"], "confirmed")]).toEqual([
    undefined,
    false,
  ]);
});

test("a verifier counts for its provider, its collection and ten minutes", () => {
  const verifiers = createIssuedVerifiers(randomBytes(32), now);
  const place = { cid: "c", provider: "p" };
  const verifier = verifiers.issue(place);
  expect(verifier).toMatch(/^[A-Za-z0-9_-]{64}$/);
  expect(verifiers.isOurs(verifier, place)).toBe(true);
  expect(verifiers.isOurs(verifier, { ...place, provider: "q" })).toBe(false);
  expect(verifiers.isOurs(verifier, { ...place, cid: "d" })).toBe(false);
  expect(createIssuedVerifiers(randomBytes(32), now).isOurs(verifier, place)).toBe(false);
  for (let at = 0; at < verifier.length; at++) {
    const other = verifier[at] === "A" ? "B" : "A";
    expect(verifiers.isOurs(verifier.slice(0, at) + other + verifier.slice(at + 1), place)).toBe(false);
  }
  nowMs += 600_000;
  expect(verifiers.isOurs(verifier, place)).toBe(true);
  nowMs += 1_000;
  expect(verifiers.isOurs(verifier, place)).toBe(false);
  nowMs -= 700_000;
  expect(verifiers.isOurs(verifier, place)).toBe(false);
});

test("wrong guesses count for one and for all, for ten minutes", () => {
  const guesses = new Guesses({ perOwnerMax: 2, totalMax: 3 }, now);
  guesses.miss("a");
  guesses.miss("a");
  expect([guesses.mayGuess("a"), guesses.mayGuess("b")]).toEqual([false, true]);
  guesses.miss("b");
  expect(guesses.mayGuess("c")).toBe(false);
  nowMs += 600_000;
  expect(guesses.mayGuess("a")).toBe(true);
});

test("user codes are read however they are typed", () => {
  const code = newUserCode();
  for (const typed of [
    code,
    code.toLowerCase(),
    code.replace("-", ""),
    ` ${code.replace("-", " – ").replace("–", "-")} `,
  ])
    expect(readUserCode(typed)).toBe(code);
  for (const typed of ["", "AAAA-AAAA", "BBBB-BBB", `${code}B`, "B".repeat(10_000)])
    expect(readUserCode(typed)).toBeUndefined();
});
