// The config file of the README's reference set-up, to the letter: ten requests a minute for each address, whoever asks.
// And its counterpart, IP: false: users by user wherever they are, guests by address (RL15).
import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { ADA, BEN, START_MS, sharedPair } from "../sessions/support.ts";
import { FULL_CONFIG } from "../settings/fixtures.ts";
import { type Child, startChild, waitUntilServing } from "../support/childProcess.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { createScratch, freePort, PROJECT_DIR, type Scratch } from "../support/scratch.ts";
import { WireConnection, type WireRequest } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { countOf, repeat } from "./support.ts";

const MESSAGE = "You have reached the maximum number of requests per minute";

const pair = sharedPair({
  config: { ratelimit: { Max: 30, Duration: 3_600_000, IP: false, isEnabled: true, Message: MESSAGE } },
});
let scratch: Scratch;
let child: Child;
let url: string;
beforeAll(async () => {
  scratch = createScratch("sample-config");
  await Bun.write(join(scratch.path, "config.ts"), FULL_CONFIG);
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  child = startChild({
    command: [process.execPath, "run", join(PROJECT_DIR, "src", "index.ts"), "--port", String(port)],
    cwd: scratch.path,
    env: {
      DB_URL: pair.pb.url,
      ADMIN_EMAIL: SUPERUSER.email,
      ADMIN_PASSWORD: SUPERUSER.password,
      HAPTA_DATA_DIR: join(scratch.path, "data"),
    },
  });
  await waitUntilServing(child, `${url}/hapta/ready`, 20_000);
}, START_MS);
afterAll(async () => {
  await child[Symbol.asyncDispose]();
  scratch[Symbol.dispose]();
}, START_MS);

const list = (token?: string): WireRequest => ({
  path: "/api/collections/notices/records",
  headers: token === undefined ? [] : [["Authorization", token]],
});
const loginOf = ({ email }: { readonly email: string }): WireRequest => ({
  method: "POST",
  path: "/api/collections/members/auth-with-password",
  headers: [["Content-Type", "application/json"]],
  body: JSON.stringify({ identity: email, password: PASSWORD }),
});

const sendAll = async (to: string, requests: readonly WireRequest[], from: string) => {
  using connection = new WireConnection(to, from);
  const answers = [];
  for (const request of requests) answers.push(await connection.send(request));
  return answers;
};
const statuses = async (to: string, requests: readonly WireRequest[], from: string): Promise<number[]> =>
  (await sendAll(to, requests, from)).map(({ status }) => status);
const tokenOf = async (to: string, account: { readonly email: string }, from: string): Promise<string> => {
  const [answer] = await sendAll(to, [loginOf(account)], from);
  return String((JSON.parse(answer?.text ?? "{}") as { token?: unknown }).token);
};

test("the sample: ten at once for an address, then 429 with its very words, and nobody else is concerned", async () => {
  const answers = await sendAll(url, repeat(12, list()), "127.0.0.2");
  expect(answers.map(({ status }) => status)).toEqual([...repeat(10, 200), 429, 429]);
  const refused = answers.at(-1);
  expect(JSON.parse(refused?.text ?? "")).toEqual({ status: 429, message: MESSAGE, data: {} });
  expect(Number(refused === undefined ? 0 : headOf(refused, "retry-after"))).toBeWithin(4, 10);
  expect(await statuses(url, [list()], "127.0.0.3")).toEqual([200]);
});

test("the sample: users of one address share its budget, and a user has one at each address", async () => {
  const ada = await tokenOf(url, ADA, "127.0.0.4");
  const ben = await tokenOf(url, BEN, "127.0.0.4");
  // Two logins, five each, are all of it.
  expect(await statuses(url, [list(ada), list(ben), list()], "127.0.0.4")).toEqual([429, 429, 429]);
  expect(await statuses(url, [list(ada)], "127.0.0.5")).toEqual([200]);
});

test("RL15: by user, a second login and another address bring no new budget", async () => {
  const first = await tokenOf(pair.url, ADA, "127.0.0.2");
  const second = await tokenOf(pair.url, ADA, "127.0.0.3");
  const ben = await tokenOf(pair.url, BEN, "127.0.0.2");
  expect(countOf(await statuses(pair.url, repeat(20, list(first)), "127.0.0.2"), 200)).toBe(20);
  expect(countOf(await statuses(pair.url, repeat(20, list(second)), "127.0.0.6"), 200)).toBe(10);
  expect(await statuses(pair.url, [list(ben)], "127.0.0.6")).toEqual([200]);
  // Guests are their addresses: two logins there, five each, came out of it.
  expect(countOf(await statuses(pair.url, repeat(40, list()), "127.0.0.2"), 200)).toBe(20);
  expect(countOf(await statuses(pair.url, repeat(40, list()), "127.0.0.7"), 200)).toBe(30);
});
