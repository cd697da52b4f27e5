// AP5: headers that only Hapta may say never reach PocketBase from a client, wherever and however they are spelled. An
// upstream that keeps every byte is the witness.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { exchange, type WireRequest } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { type RecordingUpstream, startRecordingUpstream, valuesOf } from "./rawUpstream.ts";

const SECRET = "guard-secret-0123456789";
const CANARY = "canary-of-a-client";
const SPELLINGS = [
  "X-Hapta-Guard",
  "x-hapta-guard",
  "X_Hapta_Guard",
  "X-Hapta_Guard",
  "X.Hapta.Guard",
  "X-Hapta-Edge",
  "X_Hapta_Edge",
  "x-HAPTA-edge",
  "X--Hapta-Edge",
  "X-Hapta-Edge-",
  "X-Hapta-Token",
  "X~Hapta~Edge",
];
const JSON_TYPE = ["Content-Type", "application/json"] as const;

let upstream: RecordingUpstream;
let gateway: TestGateway;
beforeAll(async () => {
  upstream = await startRecordingUpstream();
  // Every row is refused, and whoever sends so many spoilt bodies would be told to wait.
  gateway = startGateway(upstream.url, {
    config: { Upstream: { GuardSecret: SECRET }, ratelimit: { isEnabled: false } },
  });
});
afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});
afterEach(() => {
  for (const request of upstream.requests) {
    expect(request.raw.toString("latin1")).not.toContain(CANARY);
    expect(valuesOf(request, "x-hapta-guard")).toEqual([SECRET]);
    expect(request.headers.filter(([name]) => /^x[^a-z0-9]+hapta/i.test(name))).toHaveLength(1);
  }
  upstream.requests.length = 0;
});

const send = async (request: WireRequest): Promise<string> => {
  const answer = await exchange(gateway.url, request);
  expect(`${answer.headers} ${answer.text}`).not.toContain(SECRET);
  return `${answer.status} ${headOf(answer, "x-hapta-error") ?? "-"}`;
};

describe("AP5: stripped from", () => {
  test.each(SPELLINGS)("the request: %s", async (name) => {
    for (const path of ["/api/collections/posts/records", "/custom/route", "/api/files/a/b/c", "/api/health"])
      expect(await send({ path, headers: [[name, CANARY]] })).toBe("200 -");
    const body = "{}";
    const write = {
      method: "POST",
      path: "/api/collections/posts/records",
      headers: [JSON_TYPE, [name, CANARY]],
      body,
    };
    expect(await send(write as WireRequest)).toBe("200 -");
    expect(upstream.requests).toHaveLength(5);
  });

  test("the request, several at once, and with Connection naming the gateway's own", async () => {
    const headers = SPELLINGS.map((name) => [name, CANARY] as const);
    expect(await send({ path: "/custom/route", headers })).toBe("200 -");
    const connection = [["Connection", "close, X-Hapta-Guard, X-Forwarded-For"], ...headers] as const;
    expect(await send({ path: "/custom/route", headers: connection })).toBe("200 -");
    expect(upstream.requests).toHaveLength(2);
  });

  test.each([...SPELLINGS, "xHaptaGuard"])("the headers of a batch's items: %s", async (name) => {
    const url = "/api/collections/posts/records";
    const requests = [{ method: "POST", url, headers: { [name]: CANARY, "X-Token": "fine" }, body: {} }];
    const body = JSON.stringify({ requests });
    const verdict = await send({ method: "POST", path: "/api/batch", headers: [JSON_TYPE], body });
    // A name in camel case is a header of its own to PocketBase, not one of Hapta's.
    expect(verdict).toBe("200 -");
    expect(upstream.requests[0]?.body.toString()).toContain("X-Token");
    if (name === "xHaptaGuard") upstream.requests.length = 0;
  });
});

describe("AP5: refused in", () => {
  const topic = (name: string): string =>
    `posts/*?options=${encodeURIComponent(JSON.stringify({ headers: { [name]: CANARY } }))}`;

  test.each([...SPELLINGS, "xHaptaGuard", "X-Forwarded-For", "Authorization"])(
    "topic options: %s",
    async (name) => {
      const path = "/api/realtime";
      const body = { clientId: "x", subscriptions: ["fine", topic(name)] };
      const json = JSON.stringify(body);
      expect(await send({ method: "POST", path, headers: [JSON_TYPE], body: json })).toBe("400 body_invalid");
      const form = new URLSearchParams([
        ["clientId", "x"],
        ["subscriptions", topic(name)],
      ]).toString();
      const urlencoded = ["Content-Type", "application/x-www-form-urlencoded"] as const;
      expect(await send({ method: "POST", path, headers: [urlencoded], body: form })).toBe(
        "400 body_invalid",
      );
      for (const [field, value] of [
        ["subscriptions", topic(name)],
        ["@jsonPayload", json],
      ]) {
        const parts = `--XX\r\nContent-Disposition: form-data; name="${field}"\r\n\r\n${value}\r\n--XX--\r\n`;
        const multipart = ["Content-Type", "multipart/form-data; boundary=XX"] as const;
        expect(await send({ method: "POST", path, headers: [multipart], body: parts })).toBe(
          "400 body_invalid",
        );
      }
      expect(upstream.requests).toHaveLength(0);
    },
  );

  test("other topics are not refused: only the stream they are for is unknown", async () => {
    const subscriptions = ["posts/*", topic("X-Token").replace(CANARY, "t"), "posts/*?options=broken"];
    const body = JSON.stringify({ clientId: "x", subscriptions });
    expect(await send({ method: "POST", path: "/api/realtime", headers: [JSON_TYPE], body })).toBe(
      "404 not_found",
    );
  });
});
