import { expect, test } from "bun:test";
import { payloadOf, startSessions } from "../../tests/support/sessionKit.ts";
import { inertTokenOf, isInertToken } from "./inertToken.ts";

test("inertTokenOf shows what the SDK reads and hides what proves anything", async () => {
  using kit = startSessions();
  const token = await kit.login({ uid: "user~with>odd?é" });
  const inert = inertTokenOf(token);
  const { id, collectionId, type, exp, refreshable, sid, jti } = payloadOf(token);
  expect(payloadOf(inert)).toEqual({ id, collectionId, type, exp, refreshable, iss: "hapta" });
  expect(inert.split(".")).toHaveLength(3);
  const bytes = Buffer.from(inert.split(".")[1] ?? "", "base64url").toString("latin1");
  for (const secret of [String(sid), String(jti), token.split(".")[2] ?? ""])
    expect(bytes).not.toContain(secret);
  expect([isInertToken(inert), isInertToken(token), isInertToken("")]).toEqual([true, false, false]);
});

test("an inert token is nobody's", async () => {
  using kit = startSessions();
  const inert = inertTokenOf(await kit.login());
  const presenter = { userAgent: "", address: "203.0.113.7" };
  expect((await kit.sessions.resolve(inert, presenter)).kind).toBe("invalid");
  expect((await kit.sessions.refresh(inert, presenter)).kind).toBe("invalid");
  expect((await kit.sessions.resolveFileToken(inert)).kind).toBe("invalid");
});
