// PocketBase comes back from an outage as somebody else: the checks of the start run again, against real processes.
import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Child } from "../support/childProcess.ts";
import { eventually } from "../support/eventually.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, runCommand, startAgain, startPocketBase } from "../support/pocketbase.ts";
import { freePort } from "../support/scratch.ts";
import { exchange } from "../support/wire.ts";

const DEADLINE_MS = 30_000;

let pocketbase: PocketBase;
let hapta: Hapta;
beforeEach(async () => {
  pocketbase = await startPocketBase({ version: "0.36" });
  hapta = await startHapta(pocketbase, { config: { Log: { Level: "debug", Requests: "off" } } });
}, 60_000);
afterEach(async () => {
  await hapta[Symbol.asyncDispose]();
  await pocketbase[Symbol.asyncDispose]();
}, 120_000);

const kill = async (child: Child): Promise<void> => {
  child.kill("SIGKILL");
  await child.exited;
};
const becomes = (status: number): Promise<unknown> =>
  eventually(
    async () => (await exchange(hapta.url, { path: "/hapta/ready" })).status === status,
    DEADLINE_MS,
  );
const isLogged = (words: string): Promise<unknown> =>
  eventually(() => hapta.child.output().includes(words), DEADLINE_MS);
const timesLogged = (words: string): number => hapta.child.output().split(words).length - 1;

/** Takes the trusted proxy out of PocketBase's settings, where Hapta does not see it. */
const forgetProxy = async (): Promise<void> => {
  const port = await freePort();
  await using _elsewhere = await startAgain(pocketbase, { port });
  const url = `http://127.0.0.1:${port}`;
  const login = await fetch(`${url}/api/collections/_superusers/auth-with-password`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ identity: SUPERUSER.email, password: SUPERUSER.password }),
  });
  const { token } = (await login.json()) as { token: string };
  const answer = await fetch(`${url}/api/settings`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json", Authorization: token },
    body: JSON.stringify({ trustedProxy: { headers: [], useLeftmostIP: false } }),
  });
  expect(answer.status).toBe(200);
};

test("another version, other settings and another password of the superuser are noticed when PocketBase is back", async () => {
  await isLogged("PocketBase is 0.36.");
  await kill(pocketbase.child);
  await becomes(503);
  await forgetProxy();
  const newer = await startAgain(pocketbase);
  await becomes(200);
  await isLogged("PocketBase is 0.39.");
  await isLogged("PocketBase does not see the address of the client behind Hapta");

  await kill(newer);
  await becomes(503);
  const same = await startAgain(pocketbase);
  await becomes(200);
  expect(timesLogged("PocketBase does not see the address of the client")).toBe(1);

  await kill(same);
  await becomes(503);
  await runCommand(pocketbase.dir, "0.39", ["superuser", "update", SUPERUSER.email, "another secret 2"]);
  await using _last = await startAgain(pocketbase);
  await isLogged("Check ADMIN_EMAIL and ADMIN_PASSWORD");
  expect((await exchange(hapta.url, { path: "/hapta/ready" })).status).toBe(503);
}, 120_000);

test("a restart too quick to be seen as an outage is checked as well", async () => {
  await isLogged("PocketBase is 0.36.");
  // Its cut is what tells.
  await isLogged("The change feed is connected.");
  await kill(pocketbase.child);
  await using _newer = await startAgain(pocketbase);
  await isLogged("PocketBase is 0.39.");
}, 60_000);
