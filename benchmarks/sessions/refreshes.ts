// auth-refresh through Hapta beside PocketBase's own, at several numbers of clients: each rolls a session of its own.
import { SUPERUSER } from "../../tests/support/fixture/load.ts";
import { threadsCpuUs } from "../support/processTree.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { goRound, type NextRequest, type RoundTrips } from "./roundTrips.ts";

export const CLIENTS = [1, 10, 50] as const;

export interface RefreshRun extends RoundTrips {
  readonly target: "direct" | "hapta";
  readonly clients: number;
  readonly round: number;
  /** CPU time per refresh, in us. */
  readonly haptaCpuUs: number;
  readonly upstreamCpuUs: number;
}

export interface RefreshOptions {
  readonly targets: readonly { readonly name: "direct" | "hapta"; readonly url: string }[];
  readonly upstreamUrl: string;
  readonly haptaPid: number;
  readonly upstreamPid: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly waitForQuiet: WaitForQuiet;
}

const WARMING_SECONDS = 5;
const PASSWORD = "bench horse 1";
const EMAIL = (at: number): string => `bench${at}@example.com`;
/** One of the members that the refreshes leave behind. */
export const MEMBER = EMAIL(0);

/** All rounds; each client is a member of its own, so that no two ask for the same token. */
export const measureRefreshes = async (options: RefreshOptions): Promise<readonly RefreshRun[]> => {
  await makeMembers(options.upstreamUrl, Math.max(...CLIENTS));
  const runs: RefreshRun[] = [];
  for (let round = -1; round < options.rounds; round++) {
    for (const clients of CLIENTS) {
      for (const { name, url } of orderOf(options.targets, Math.max(0, round))) {
        const tokens = await Promise.all(Array.from({ length: clients }, (_, at) => login(url, EMAIL(at))));
        await options.waitForQuiet();
        const seconds = round < 0 ? WARMING_SECONDS : options.seconds;
        const cpuUs = (): readonly [number, number] => [
          threadsCpuUs(options.haptaPid),
          threadsCpuUs(options.upstreamPid),
        ];
        const before = cpuUs();
        const trips = await goRound(url, tokens.map(refreshing), { seconds });
        const [haptaCpuUs = 0, upstreamCpuUs = 0] = cpuUs().map(
          (us, at) => (us - (before[at] ?? 0)) / trips.requests,
        );
        const run = { target: name, clients, round, ...trips, haptaCpuUs, upstreamCpuUs };
        console.error(
          `refresh ${clients} clients round ${round + 1} ${name.padEnd(6)} ${Math.round(run.perSecond)}/s ` +
            `p50 ${run.p50Ms.toFixed(2)} ms cpu ${haptaCpuUs.toFixed(0)} + ${upstreamCpuUs.toFixed(0)} us failed ${run.failed}`,
        );
        // The first one warms up: Bun compiles what is used often.
        if (round >= 0) runs.push(run);
      }
    }
  }
  return runs;
};

const refreshing = (first: string): NextRequest => {
  let token = first;
  return (answer) => {
    token = /"token":"([^"]+)"/.exec(answer ?? "")?.[1] ?? token;
    return (
      "POST /api/collections/members/auth-refresh HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n" +
      `Authorization: ${token}\r\n\r\n`
    );
  };
};

const post = async (url: string, body: unknown, token = ""): Promise<Record<string, unknown>> => {
  const headers = { "Content-Type": "application/json", Authorization: token };
  const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${text}`);
  return JSON.parse(text) as Record<string, unknown>;
};

/** Logs a member of the benchmark in. */
export const login = async (url: string, identity: string): Promise<string> =>
  String(
    (await post(`${url}/api/collections/members/auth-with-password`, { identity, password: PASSWORD }))[
      "token"
    ],
  );

const makeMembers = async (url: string, count: number): Promise<void> => {
  const credentials = { identity: SUPERUSER.email, password: SUPERUSER.password };
  const { token } = await post(`${url}/api/collections/_superusers/auth-with-password`, credentials);
  await post(
    `${url}/api/collections`,
    { name: "members", type: "auth", passwordAuth: { enabled: true } },
    String(token),
  );
  for (let at = 0; at < count; at++) {
    const member = { email: EMAIL(at), password: PASSWORD, passwordConfirm: PASSWORD, verified: true };
    await post(`${url}/api/collections/members/records`, member, String(token));
  }
};
