import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import { LAPTOP, startSessions, UPSTREAM } from "../../tests/support/sessionKit.ts";
import { createKeyRing, newSigningRecord, newVaultRecord } from "./keys.ts";
import { RootKey } from "./rootKey.ts";
import { systemRandom } from "./sources.ts";
import { createVault } from "./vault.ts";

const root = new RootKey(systemRandom(32));
const made = { root, random: systemRandom, nowMs: 0 };
const ring = createKeyRing(root, [newSigningRecord(made), newVaultRecord(made)], 0);
const vault = createVault(() => ring, systemRandom);
const PLACE = { column: "up", id: "row1", cid: "users", uid: "ann" } as const;

test("Vault opens what it locked, and never locks twice alike", () => {
  const plain = Buffer.from(UPSTREAM);
  const [one, other] = [vault.seal(PLACE, plain), vault.seal(PLACE, plain)];
  expect(vault.open(PLACE, one)?.toString()).toBe(UPSTREAM);
  expect(Buffer.from(one).equals(Buffer.from(other))).toBe(false);
  expect(one.length).toBe(plain.length + 33);
});

test("KV4: Vault refuses a blob in another place, cut or changed", () => {
  const blob = vault.seal(PLACE, Buffer.from(UPSTREAM));
  const places = [
    { ...PLACE, column: "sk" as const },
    { ...PLACE, id: "row2" },
    { ...PLACE, cid: "user", uid: "sann" },
    { ...PLACE, uid: "bob" },
  ];
  for (const place of places) expect(vault.open(place, blob)).toBeUndefined();
  for (let length = 0; length < blob.length; length++)
    expect(vault.open(PLACE, blob.slice(0, length))).toBeUndefined();
  for (let at = 0; at < blob.length * 8; at++) {
    const changed = Buffer.from(blob);
    changed[at >> 3] = (changed[at >> 3] ?? 0) ^ (1 << (at & 7));
    expect(vault.open(PLACE, changed)).toBeUndefined();
  }
});

const edits: readonly (readonly [string, string])[] = [
  ["swapped", "UPDATE sessions SET up_enc = (SELECT up_enc FROM sessions o WHERE o.uid <> sessions.uid)"],
  ["cut", "UPDATE sessions SET up_enc = substr(up_enc, 1, 60)"],
  ["swapped key", "UPDATE sessions SET sk_enc = (SELECT sk_enc FROM sessions o WHERE o.uid <> sessions.uid)"],
];

for (const [name, sql] of edits) {
  test(`KV4: a session whose secrets were ${name} in the file is refused and logged`, async () => {
    using kit = startSessions();
    const ann = await kit.login({ uid: "ann" });
    await kit.login({ uid: "bob", upstream: { token: "bobs-upstream", expMs: kit.clock.now() + 1e9 } });
    kit.sessions.close();
    const db = new Database(join(kit.dataDir, "sessions.db"));
    // Both sides of a swap read the state before it.
    db.run("CREATE TEMP TABLE o AS SELECT * FROM sessions");
    db.run(sql.replaceAll("sessions o", "temp.o o"));
    db.close();
    kit.restart();
    expect(await kit.sessions.resolve(ann, LAPTOP)).toEqual({ kind: "revoked", reason: "vault_damaged" });
    expect(kit.sessions.events({ type: "vault_damaged" })).toHaveLength(1);
    expect(kit.sessions.events({ type: "session_revoked" })).toHaveLength(1);
  });
}
