// A client that sends the same request over one connection again and again: it is read once and judged every time. What
// changed meanwhile (the session, the records, who the token names) counts for the very next one. Limits: tests/limits.
import { expect, test } from "bun:test";
import { WireConnection, type WireRequest } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { ADA, BEN, call, createMember, jsonOf, login, logout, sharedPair } from "./support.ts";

const REPEATS = 5;

const pair = sharedPair();

const asking = (path: string, token: string): WireRequest => ({
  path,
  headers: [["Authorization", token]],
});
const diaries = (token: string): WireRequest => asking("/api/collections/diaries/records", token);

/** Sends one request so often over a connection; all answers. */
const repeated = async (connection: WireConnection, request: WireRequest) => {
  const answers = [];
  for (let i = 0; i < REPEATS; i++) answers.push(await connection.send(request));
  return answers;
};

test("a session that ends counts no more for the next request of the same text", async () => {
  const token = await login(pair.url, ADA);
  using connection = new WireConnection(pair.url);
  using verifying = new WireConnection(pair.url);
  for (const answer of await repeated(connection, diaries(token)))
    expect(jsonOf(answer)["totalItems"]).toBe(1);
  for (const answer of await repeated(verifying, asking("/auth/verify", token)))
    expect(answer.status).toBe(200);
  expect(await logout(pair.url, token)).toBe(204);
  const after = await connection.send(diaries(token));
  expect(jsonOf(after)["totalItems"]).toBe(0);
  expect(headOf(after, "x-hapta-session")).toBe("revoked");
  expect((await verifying.send(asking("/auth/verify", token))).status).toBe(401);
});

test("two users who take turns on one connection each see their own", async () => {
  const [ada, ben] = [await login(pair.url, ADA), await login(pair.url, BEN)];
  using connection = new WireConnection(pair.url);
  for (const token of [ada, ada, ada, ben, ben, ben, ada, ben, ada, ada]) {
    const seen = jsonOf(await connection.send(diaries(token)))["totalItems"];
    expect(seen).toBe(token === ada ? 1 : 0);
  }
});

test("a record that changed is read as it is by the next request of the same text", async () => {
  const member = await createMember(pair.url);
  const token = await login(pair.url, member);
  const path = `/api/collections/members/records/${member.id}`;
  using connection = new WireConnection(pair.url);
  for (let i = 0; i < 3; i++) {
    const name = `Name ${i}`;
    expect((await call(pair.url, { method: "PATCH", path, token, json: { name } })).status).toBe(200);
    for (const answer of await repeated(connection, asking(path, token)))
      expect(jsonOf(answer)["name"]).toBe(name);
  }
});

test("each of them has an id of its own", async () => {
  const token = await login(pair.url, ADA);
  using connection = new WireConnection(pair.url);
  const answers = await repeated(connection, diaries(token));
  expect(new Set(answers.map((answer) => headOf(answer, "x-request-id"))).size).toBe(REPEATS);
});
