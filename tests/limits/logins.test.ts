// The login shield over HTTP, in front of a real PocketBase: guessing is slowed down, owners get in, answers tell nothing.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { startOwnClock } from "../support/ownTime.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { WireConnection, type WireRequest } from "../support/wire.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";
import { countOf } from "./support.ts";

setDefaultTimeout(60_000);

const CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36";
const CONFIG = {
  ratelimit: { Max: 100_000, Duration: 60_000, IP: true, isEnabled: true, Message: "Slow down." },
  Network: { TrustedProxies: ["loopback"] },
};

describe("login shield", () => {
  let upstream: PocketBase;
  let hapta: Hapta;
  beforeAll(async () => {
    upstream = await startPocketBase();
    hapta = await startHapta(upstream, { config: CONFIG });
  });
  afterAll(async () => {
    await hapta[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  interface From {
    readonly address: string;
    readonly agent?: string;
    readonly cookie?: string | undefined;
  }

  const post = (
    operation: string,
    body: unknown,
    { address, agent = "curl/8", cookie }: From,
  ): WireRequest => ({
    method: "POST",
    path: `/api/collections/members/${operation}`,
    headers: [
      ["Content-Type", "application/json"],
      ["X-Forwarded-For", address],
      ["User-Agent", agent],
      // What a page of Hapta's own origin says: such ones are given a cookie for the device.
      ...(agent === CHROME ? [["Sec-Fetch-Site", "same-origin"] as const] : []),
      ...(cookie === undefined ? [] : [["Cookie", cookie] as const]),
    ],
    body: JSON.stringify(body),
  });
  const send = async (request: WireRequest): Promise<WireResponse> => {
    using connection = new WireConnection(hapta.url);
    return await connection.send(request);
  };
  const login = (identity: string, password: string, from: From) =>
    send(post("auth-with-password", { identity, password }, from));

  test("RL10: an attacker is delayed, the owner's device is not; spellings of an identity are one", async () => {
    const laptop: From = { address: "198.51.100.1", agent: CHROME };
    const first = await login("ben@example.com", PASSWORD, laptop);
    expect(first.status).toBe(200);
    const cookie = headOf(first, "set-cookie")?.split(";", 1)[0];

    const thief: From = { address: "203.0.113.7" };
    const spellings = ["ben@example.com", "BEN@example.com", "Ben@Example.com ", "ben@example.com"];
    const tries = Array.from({ length: 16 }, (_, i) => login(spellings[i % 4] ?? "", `wrong ${i}`, thief));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect([countOf(statuses, 400), countOf(statuses, 429)]).toEqual([5, 11]);
    const delayed = await login("ben@example.com", PASSWORD, thief);
    expect([delayed.status, headOf(delayed, "x-hapta-error")]).toEqual([429, "login_delayed"]);
    expect(JSON.parse(delayed.text)).toEqual({ data: {}, message: "Slow down.", status: 429 });
    expect(Number(headOf(delayed, "retry-after"))).toBeWithin(50, 70);

    expect((await login("ben@example.com", PASSWORD, laptop)).status).toBe(200);
    // The cookie moves with the laptop; and other accounts are nobody's business.
    expect(
      (await login("ben@example.com", PASSWORD, { ...laptop, address: "203.0.113.7", cookie })).status,
    ).toBe(200);
    expect((await login("cyd@example.com", PASSWORD, { address: "203.0.113.7" })).status).toBe(200);
  });

  test("forms are looked into as well", async () => {
    const from = ["X-Forwarded-For", "203.0.113.20"] as const;
    const form = (type: string, body: string): WireRequest => ({
      method: "POST",
      path: "/api/collections/members/auth-with-password",
      headers: [["Content-Type", type], from],
      body,
    });
    const plain = form("application/x-www-form-urlencoded", "identity=dora%40example.com&password=x");
    const part = (name: string, value: string) =>
      `--xyz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
    const multipart = form(
      "multipart/form-data; boundary=xyz",
      `${part("@jsonPayload", '{"identity":"DORA@example.com"}')}${part("password", "x")}--xyz--\r\n`,
    );
    const requests = [plain, multipart, plain, multipart, plain, multipart, plain];
    const statuses = (await Promise.all(requests.map(send))).map(({ status }) => status);
    expect([countOf(statuses, 400), countOf(statuses, 429)]).toEqual([5, 2]);
  });

  test("RL11: known and unknown identities get equal answers, none sooner than the pace", async () => {
    const ask = async (operation: string, body: unknown, address: string) => {
      const startedMs = performance.now();
      const answer = await send(post(operation, body, { address }));
      const shown = answer.text.replace(/"otpId":"\w+"/, '"otpId":"?"');
      const names = answer.headers
        .map(([name]) => name)
        .sort()
        .join();
      return { look: `${answer.status} ${names} ${shown}`, tookMs: performance.now() - startedMs };
    };
    const bodies = {
      "auth-with-password": (email: string) => ({ identity: email, password: "wrong" }),
      "request-otp": (email: string) => ({ email }),
      "request-password-reset": (email: string) => ({ email }),
    };
    for (const [at, [operation, body]] of Object.entries(bodies).entries()) {
      const known = await ask(operation, body("ada@example.com"), `192.0.2.${10 + at}`);
      const unknown = await ask(operation, body(`nobody${at}@example.com`), `192.0.2.${20 + at}`);
      expect(unknown.look).toBe(known.look);
      for (const { tookMs } of [known, unknown]) expect(tookMs).toBeGreaterThan(245);
    }
  });

  test("RL11: a slow body of one client makes nobody else's answers wait longer", async () => {
    const { hostname, port } = new URL(hapta.url);
    const body = JSON.stringify({ email: "nobody@example.com" });
    const head = [
      "POST /api/collections/members/request-verification HTTP/1.1",
      "Host: a",
      "Connection: close",
      "X-Forwarded-For: 192.0.2.60",
      "Content-Type: application/json",
      `Content-Length: ${body.length}`,
    ].join("\r\n");
    const socket = connect({ host: hostname, port: Number(port) });
    const answered = new Promise((resolve) => socket.once("close", resolve));
    socket.resume();
    socket.write(`${head}\r\n\r\n${body.slice(0, -1)}`);
    // Its own time, however long, and slower than any answer here.
    await Bun.sleep(2_000);
    socket.write("}");
    await answered;
    using clock = startOwnClock();
    await send(post("request-verification", { email: "nobody@example.com" }, { address: "192.0.2.61" }));
    // From two seconds the next pace would be 2.5 s.
    expect(clock.ms()).toBeLessThan(2_400);
  });

  test("mails to an address somebody would like to have are counted like all mails to it", async () => {
    const answer = await login("ada@example.com", PASSWORD, { address: "192.0.2.70" });
    const { token } = JSON.parse(answer.text) as { token: string };
    const change = (at: number) => {
      const request = post(
        "request-email-change",
        { newEmail: "stranger@example.com" },
        { address: `10.90.${at}.1` },
      );
      return send({ ...request, headers: [...(request.headers ?? []), ["Authorization", token]] });
    };
    // The test's PocketBase sends no mails, but it would have.
    const statuses = (await Promise.all(Array.from({ length: 8 }, (_, at) => change(at)))).map(
      ({ status }) => status,
    );
    expect([countOf(statuses, 400), countOf(statuses, 429)]).toEqual([5, 3]);
  });

  test("confirming a change of address takes the password: guesses are counted by whose it is", async () => {
    const claims = { id: IDS.ben, collectionId: "pbc_members0001", type: "emailChange" };
    const token = ["{}", JSON.stringify(claims), "x"]
      .map((part) => Buffer.from(part).toString("base64url"))
      .join(".");
    const guess = (at: number) =>
      send(post("confirm-email-change", { token, password: `guess ${at}` }, { address: "192.0.2.80" }));
    const statuses = (await Promise.all(Array.from({ length: 8 }, (_, at) => guess(at)))).map(
      ({ status }) => status,
    );
    expect([countOf(statuses, 400), countOf(statuses, 429)]).toEqual([5, 3]);
  });

  test("RL14: guesses of codes are bounded for each code, and for the identity whatever the code", async () => {
    const newCode = async (address: string): Promise<string> => {
      const answer = await send(post("request-otp", { email: "cyd@example.com" }, { address }));
      return (JSON.parse(answer.text) as { otpId: string }).otpId;
    };
    let block = 1;
    const guess = (otpId: string) =>
      send(post("auth-with-otp", { otpId, password: "00000000" }, { address: `10.77.${block++}.1` }));
    const first = await newCode("10.78.1.1");
    const statuses = (await Promise.all(Array.from({ length: 9 }, () => guess(first)))).map(
      ({ status }) => status,
    );
    expect([countOf(statuses, 400), countOf(statuses, 429)]).toEqual([5, 4]);
    let through = 5;
    for (let code = 2; code <= 5; code++) {
      const otpId = await newCode(`10.78.${code}.1`);
      const answers = await Promise.all(Array.from({ length: 5 }, () => guess(otpId)));
      through += answers.filter((answer) => headOf(answer, "x-hapta-error") === undefined).length;
    }
    expect(through).toBe(20);
  });
});
