// /auth/sessions, /auth/logout and /auth/verify: the device list, ending devices, and what an ended one is told.
import { expect, test } from "bun:test";
import { PASSWORD } from "../support/fixture/records.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";
import {
  ADA,
  BEN,
  call,
  createMember,
  diariesSeen,
  login,
  logout,
  refresh,
  sharedPair,
  verdictOf,
  verify,
} from "./support.ts";

const pair = sharedPair();

interface Device {
  readonly id: string;
  readonly current: boolean;
  readonly label: string;
  readonly ip: string;
  readonly created: string;
  readonly lastSeen: string;
}

const devicesOf = async (token: string): Promise<Device[]> => {
  const answer = await call(pair.url, { path: "/auth/sessions", token });
  expect(answer.status).toBe(200);
  expect(headOf(answer, "cache-control")).toBe("no-store");
  return JSON.parse(answer.text) as Device[];
};

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0";

test("the list shows the caller's devices and which one asks", async () => {
  const member = await createMember(pair.url);
  const phone = await login(pair.url, member);
  const laptop = await login(pair.url, member, { headers: [["User-Agent", FIREFOX]] });
  const devices = await devicesOf(laptop);
  expect(devices.length).toBe(2);
  for (const device of devices) {
    expect(Object.keys(device).sort()).toEqual(["created", "current", "id", "ip", "label", "lastSeen"]);
    expect(device.id).toMatch(/^[\w-]{16,}$/);
    expect(device.ip).toBe("127.0.0.1");
    expect(Math.abs(Date.parse(device.created) - Date.now())).toBeLessThan(60_000);
    expect(Math.abs(Date.parse(device.lastSeen) - Date.now())).toBeLessThan(60_000);
    expect(typeof device.label).toBe("string");
  }
  const current = devices.filter((device) => device.current);
  expect(current.length).toBe(1);
  expect(current[0]?.label).toContain("Firefox");
  expect((await devicesOf(phone)).find((device) => device.current)?.id).not.toBe(current[0]?.id);
  // The id in the list is no part of the token.
  for (const device of devices) expect(`${phone} ${laptop}`).not.toContain(device.id);
});

test("DELETE /auth/sessions ends the others, DELETE /auth/sessions/{id} ends one", async () => {
  const member = await createMember(pair.url);
  const [a, b, c] = await Promise.all([1, 2, 3].map(() => login(pair.url, member)));
  const target = (await devicesOf(b ?? "")).find((device) => device.current)?.id;
  const one = await call(pair.url, { method: "DELETE", path: `/auth/sessions/${target}`, token: a });
  expect(`${one.status} ${one.text}`).toBe("204 ");
  expect([await verify(pair.url, a ?? ""), await verify(pair.url, b ?? "")]).toEqual([200, 401]);
  const others = await call(pair.url, { method: "DELETE", path: "/auth/sessions", token: c });
  expect(others.status).toBe(204);
  expect([await verify(pair.url, a ?? ""), await verify(pair.url, c ?? "")]).toEqual([401, 200]);
  expect((await devicesOf(c ?? "")).length).toBe(1);
});

const bytesOf = ({ status, reason, headers, text }: WireResponse): string =>
  JSON.stringify({
    status,
    reason,
    text,
    headers: headers.filter(([name]) => !/^(?:date|x-request-id)$/i.test(name)),
  });

test("SE1: a foreign, an unknown and an impossible id answer the same bytes", async () => {
  const [ada, ben] = [await login(pair.url, ADA), await login(pair.url, BEN)];
  const foreign = (await devicesOf(ada)).find((device) => device.current)?.id ?? "";
  const ids = [foreign, "a".repeat(foreign.length), "x", "..%2e", `${foreign}x`, "A".repeat(2_000)];
  const answers = await Promise.all(
    ids.map((id) => call(pair.url, { method: "DELETE", path: `/auth/sessions/${id}`, token: ben })),
  );
  expect(verdictOf(answers[0] ?? expect.unreachable())).toBe("404 not_found");
  for (const answer of answers.filter(({ status }) => status !== 400))
    expect(bytesOf(answer)).toBe(bytesOf(answers[0] ?? answer));
  expect(await verify(pair.url, ada)).toBe(200);
});

test("logout is 204 and final: a guest on reads, 401 wherever a session is needed", async () => {
  const token = await login(pair.url, ADA);
  const other = await login(pair.url, ADA);
  const scan = await call(pair.url, { method: "POST", path: "/api/files/token", token });
  expect(scan.status).toBe(200);
  const fileToken = String((JSON.parse(scan.text) as { token: string }).token);
  const { files } = pair.pb.world;
  const path = `/api/files/diaries/diaryada0000001/${files.scan}?token=${fileToken}`;
  expect((await call(pair.url, { path })).status).toBe(200);
  expect(await logout(pair.url, token)).toBe(204);
  const read = await call(pair.url, { path: "/api/collections/diaries/records", token });
  expect(`${read.status} ${headOf(read, "x-hapta-session")}`).toBe("200 revoked");
  // Whoever has signed out may sign up again: on writes, too, the dead token is no more than none.
  const email = `again-${process.pid}@example.com`;
  const signUp = await call(pair.url, {
    path: "/api/collections/members/records",
    token,
    json: { email, password: PASSWORD, passwordConfirm: PASSWORD, name: "Again" },
  });
  expect(`${signUp.status} ${headOf(signUp, "x-hapta-session")}`).toBe("200 revoked");
  const live = await call(pair.url, { path: "/api/collections/diaries/records", token: other });
  expect(headOf(live, "x-hapta-session")).toBeUndefined();
  expect(headOf(live, "access-control-expose-headers")).toBeUndefined();
  expect(await diariesSeen(pair.url, token)).toBe(0);
  expect((await refresh(pair.url, token)).status).toBe(401);
  for (const [method, own] of [
    ["GET", "/auth/sessions"],
    ["DELETE", "/auth/sessions"],
    ["GET", "/auth/verify"],
    ["POST", "/auth/logout"],
    ["POST", "/api/files/token"],
  ] as const) {
    const answer = await call(pair.url, { method, path: own, token });
    expect(`${own} ${answer.status} ${headOf(answer, "x-hapta-session")}`).toBe(`${own} 401 revoked`);
    expect(headOf(answer, "access-control-expose-headers")).toBe("X-Hapta-Session");
  }
  expect((await call(pair.url, { path })).status).toBe(404);
  expect(await verify(pair.url, other)).toBe(200);
});

test("a refused /auth call has PocketBase's error shape and a stable code", async () => {
  for (const token of [undefined, "nonsense", "a.b.c"]) {
    const answer = await call(pair.url, { path: "/auth/verify", token });
    expect(verdictOf(answer)).toBe("401 session_required");
    expect(answer.text).toBe(
      '{"data":{},"message":"The request requires valid record authorization token.","status":401}\n',
    );
  }
});

test("/auth/verify says who; unknown places below /auth/sessions are 404", async () => {
  const token = await login(pair.url, ADA);
  const answer = await call(pair.url, { path: "/auth/verify", token });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.text)).toMatchObject({ record: { id: "memberada000001" } });
  const odd = [
    await call(pair.url, { method: "POST", path: "/auth/sessions", token, json: {} }),
    await call(pair.url, { method: "GET", path: "/auth/sessions/abc", token }),
    await call(pair.url, { method: "GET", path: "/auth/logout", token }),
    await call(pair.url, { method: "DELETE", path: "/auth/verify", token }),
    await call(pair.url, { method: "DELETE", path: "/auth/sessions/a/b", token }),
  ];
  expect(odd.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
  expect(await verify(pair.url, token)).toBe(200);
});
