// Connecting to an upstream that is away, wrong, or comes and goes, and the superuser session on the way.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { type ConnectOptions, connectUpstream, type UpstreamWatch } from "../../src/pocketbase/connect.ts";
import { SuperuserClient } from "../../src/pocketbase/superuser.ts";
import { SuperuserError } from "../../src/pocketbase/superuserError.ts";
import { Secret } from "../../src/utils/secret.ts";
import { eventually } from "../support/eventually.ts";
import { clientAt, type Instance, keepLines, rejection, startInstance, startProxy } from "./support.ts";

let instance: Instance;
beforeAll(async () => {
  instance = await startInstance();
});
afterAll(() => instance[Symbol.asyncDispose]());

const connect = (client: SuperuserClient, more: Partial<ConnectOptions> = {}): UpstreamWatch =>
  connectUpstream({ client, fix: false, log: () => undefined, retryMs: 10, ...more });
const WRONG_PROXY = expect.objectContaining({ ok: false, check: "trustedProxy", severity: "warning" });
const badGateway = (): Response => new Response("", { status: 502 });

test("connectUpstream waits for a PocketBase that is down at boot, then checks it once", async () => {
  using proxy = startProxy(instance.pb.url, badGateway);
  const { lines, log } = keepLines();
  const upstream = connect(clientAt(proxy.url, instance.pb), { log });
  const kinds: string[] = [];
  upstream.onChange((state) => kinds.push(state.kind));
  expect((await upstream.firstRound).kind).toBe("connecting");
  await eventually(() => proxy.seen.length > 4, 3_000);
  expect(lines).toHaveLength(1);
  proxy.mischief = () => undefined;
  await eventually(() => upstream.state().kind === "ready", 6_000);
  expect(kinds).toEqual(["ready"]);
  await upstream.close();
});

const setTrustedProxy = async (headers: readonly string[]): Promise<void> => {
  const settings = { trustedProxy: { headers, useLeftmostIP: false } };
  expect((await instance.client.request("PATCH", "/api/settings", settings)).status).toBe(200);
};

test("connectUpstream notices silence within 5 s and a return soon, checks anew then and says what is new", async () => {
  using proxy = startProxy(instance.pb.url);
  const { lines, log } = keepLines();
  const upstream = connect(clientAt(proxy.url, instance.pb), { log });
  expect((await upstream.firstRound).kind).toBe("ready");
  proxy.mischief = () => new Promise<Response>(() => undefined);
  await eventually(() => upstream.state().kind === "away", 5_000);
  expect(upstream.state()).toMatchObject({ reason: "PocketBase does not answer in time." });
  await setTrustedProxy([]);
  proxy.mischief = () => undefined;
  await eventually(() => upstream.state().kind === "ready", 10_000);
  expect(upstream.state()).toMatchObject({ findings: expect.arrayContaining([WRONG_PROXY]) });
  expect(proxy.seen.filter((line) => line.includes("auth-with-password"))).toHaveLength(2);
  expect(lines.filter((line) => !line.startsWith("debug"))).toEqual([
    "info PocketBase is ready.",
    "warn PocketBase does not answer in time.",
    "info PocketBase is ready.",
    expect.stringMatching(/^warn PocketBase does not see the address of the client/),
  ]);
  await setTrustedProxy(["X-Forwarded-For"]);
  await upstream.close();
}, 120_000);

test("connectUpstream checks an upstream that was exchanged without being seen away, when it is told to", async () => {
  using proxy = startProxy(instance.pb.url);
  const { lines, log } = keepLines();
  const upstream = connect(clientAt(proxy.url, instance.pb), { log, settleMs: 20, recheckMs: 20 });
  const settingsRead: unknown[] = [];
  upstream.onSettings((settings) => settingsRead.push(settings));
  const kinds: string[] = [];
  upstream.onChange((state) => kinds.push(state.kind));
  await upstream.firstRound;
  await setTrustedProxy([]);
  upstream.recheck();
  upstream.recheck();
  await eventually(() => lines.some((line) => line.startsWith("warn")), 10_000);
  upstream.recheck();
  await eventually(() => settingsRead.length === 3, 10_000);
  expect(lines.filter((line) => line.startsWith("warn"))).toEqual([
    expect.stringContaining("does not see the address"),
  ]);
  // One that is too old to stand behind Hapta, and after it one that may again.
  proxy.mischief = (request) =>
    request.headers.get("authorization")?.startsWith("bearer ") === true ||
    ["/api/sql", "/api/settings", "/api/collections/meta/oauth2-providers"].includes(
      new URL(request.url).pathname,
    )
      ? Response.json({ status: 404, message: "No.", data: {} }, { status: 404 })
      : undefined;
  upstream.recheck();
  await eventually(() => upstream.state().kind === "misconfigured", 10_000);
  expect(upstream.state()).toMatchObject({ reason: expect.stringContaining("older than 0.36.4") });
  proxy.mischief = () => undefined;
  await setTrustedProxy(["X-Forwarded-For"]);
  await eventually(() => upstream.state().kind === "ready", 10_000);
  expect(kinds).toEqual(["ready", "misconfigured", "ready"]);
  expect(lines.slice(-2)).toEqual([
    "info PocketBase is ready.",
    "info PocketBase sees the client addresses that Hapta reports.",
  ]);
  await upstream.close();
}, 120_000);

test("connectUpstream stays misconfigured with a wrong password, asks again and recovers when that is mended", async () => {
  const email = "operator@example.com";
  const account = (password: string): object => ({ email, password, passwordConfirm: password });
  const path = "/api/collections/_superusers/records";
  const made = await instance.client.request("POST", path, account("first-password-1"));
  expect(made.status).toBe(200);
  const { id } = made.json as { id: string };
  const client = new SuperuserClient({
    url: instance.pb.url,
    email,
    password: new Secret("second-password-2"),
  });
  const { lines, log } = keepLines();
  const upstream = connect(client, { recheckMs: 30, log });
  const first = await upstream.firstRound;
  expect(first.kind).toBe("misconfigured");
  expect(first.kind === "misconfigured" && first.reason).toMatch(/ADMIN_EMAIL and ADMIN_PASSWORD/);
  await instance.client.request("PATCH", `${path}/${id}`, account("second-password-2"));
  await eventually(() => upstream.state().kind === "ready", 5_000);
  expect(lines.filter((line) => line.startsWith("error"))).toEqual([expect.stringMatching(/ADMIN_PASSWORD/)]);
  expect(lines.join()).not.toContain("second-password");
  await upstream.close();
});

test("connectUpstream closes at once while it is waiting", async () => {
  const client = new SuperuserClient({
    url: "http://127.0.0.1:9",
    email: "a@b.co",
    password: new Secret("x"),
  });
  const upstream = connect(client, { retryMs: 600_000 });
  await upstream.firstRound;
  await upstream.close();
});

test("SuperuserClient logs in once for many callers, and again when its token has died", async () => {
  using proxy = startProxy(instance.pb.url);
  const client = clientAt(proxy.url, instance.pb);
  const logins = (): number => proxy.seen.filter((line) => line.includes("auth-with-password")).length;
  const answers = await Promise.all(Array.from({ length: 10 }, () => client.request("GET", "/api/settings")));
  expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill(200));
  expect(logins()).toBe(1);
  // Setting a password, even the same one, ends every token of the account.
  const { email, password } = instance.pb.superuser;
  const found = await client.request("GET", `/api/collections/_superusers/records?filter=(email='${email}')`);
  const [record] = (found.json as { items: { id: string }[] }).items;
  const body = { password: password.reveal(), passwordConfirm: password.reveal() };
  await instance.client.request("PATCH", `/api/collections/_superusers/records/${record?.id}`, body);
  expect((await client.request("GET", "/api/collections/_superusers/records")).status).toBe(200);
  expect((await client.request("GET", "/api/settings")).status).toBe(200);
  expect(logins()).toBe(2);
});

test("SuperuserClient bounds time and size, follows no redirect and tells no secret", async () => {
  const { pb } = instance;
  const small = new SuperuserClient({ url: pb.url, ...pb.superuser, answerBytesMax: 600 });
  expect(await rejection(small.request("GET", "/api/collections"))).toMatchObject({ problem: "oversized" });
  using proxy = startProxy(pb.url);
  const hasty = clientAt(proxy.url, pb);
  await hasty.login();
  proxy.mischief = () => new Promise<Response>(() => undefined);
  const error = await rejection(hasty.call({ method: "GET", path: "/api/settings", deadlineMs: 300 }));
  expect(error).toBeInstanceOf(SuperuserError);
  expect(error).toMatchObject({ problem: "unreachable" });
  expect(`${error.stack}${Bun.inspect(hasty)}`).not.toContain(pb.superuser.password.reveal());
  proxy.mischief = () => Response.redirect("http://127.0.0.1:9/");
  expect((await hasty.request("GET", "/api/settings")).status).toBe(302);
});
