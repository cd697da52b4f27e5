// auth-refresh through Hapta beside PocketBase's own, at several numbers of clients: each rolls a session of its own. Once
// as shipped, where PocketBase need not be asked each time, and once where it is.
import { SUPERUSER } from "../../tests/support/fixture/load.ts";
import { threadsCpuUs } from "../support/processTree.ts";
import type { WaitForQuiet } from "../support/quiet.ts";
import { orderOf } from "../support/stats.ts";
import { goRound, type NextRequest, type RoundTrips } from "./roundTrips.ts";

export const CLIENTS = [1, 10, 50] as const;

/** `asking`: a Hapta with `Security.Rotation.AskEvery: 0`. */
export type RefreshTarget = "direct" | "hapta" | "asking";

export interface RefreshRun extends RoundTrips {
  readonly target: RefreshTarget;
  readonly clients: number;
  readonly round: number;
  /** How many of all PocketBase was not asked for. */
  readonly unasked: number;
  /** CPU time per refresh, in us. */
  readonly haptaCpuUs: number;
  readonly upstreamCpuUs: number;
}

export interface RefreshOptions {
  /** `haptaPid`: undefined for PocketBase itself. */
  readonly targets: readonly {
    readonly name: RefreshTarget;
    readonly url: string;
    readonly haptaPid: number | undefined;
  }[];
  readonly upstreamUrl: string;
  readonly upstreamPid: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly waitForQuiet: WaitForQuiet;
}

const WARMING_SECONDS = 3;
const PASSWORD = "bench horse 1";
const EMAIL = (at: number): string => `bench${at}@example.com`;
/** One of the members that the refreshes leave behind. */
export const MEMBER = EMAIL(0);

/** All rounds; each client is a member of its own, so that no two ask for the same token. */
export const measureRefreshes = async (options: RefreshOptions): Promise<readonly RefreshRun[]> => {
  await makeMembers(options.upstreamUrl, Math.max(...CLIENTS));
  const runs: RefreshRun[] = [];
  const membersOf = new Map<RefreshTarget, readonly RollingMember[]>();
  for (const { name, url } of options.targets) membersOf.set(name, await loginAll(url));
  for (let round = -1; round < options.rounds; round++) {
    for (const clients of CLIENTS) {
      for (const target of orderOf(options.targets, Math.max(0, round))) {
        const clientsOf = (membersOf.get(target.name) ?? []).slice(0, clients);
        const run = await measureRound(options, target, { members: clientsOf, round });
        // The first one warms up: Bun compiles what is used often.
        if (round >= 0) runs.push(run);
      }
    }
  }
  return runs;
};

const measureRound = async (
  { upstreamPid, seconds, waitForQuiet }: RefreshOptions,
  { name, url, haptaPid }: RefreshOptions["targets"][number],
  { members, round }: { readonly members: readonly RollingMember[]; readonly round: number },
): Promise<RefreshRun> => {
  await waitForQuiet();
  const cpuUs = (): readonly [number, number] => [
    haptaPid === undefined ? 0 : threadsCpuUs(haptaPid),
    threadsCpuUs(upstreamPid),
  ];
  const before = cpuUs();
  const seen = { unasked: 0 };
  const next = members.map((member) => refreshing(member, seen));
  const trips = await goRound(url, next, { seconds: round < 0 ? WARMING_SECONDS : seconds });
  const [haptaCpuUs = 0, upstreamCpuUs = 0] = cpuUs().map(
    (us, at) => (us - (before[at] ?? 0)) / trips.requests,
  );
  const run = { target: name, clients: members.length, round, ...trips, ...seen, haptaCpuUs, upstreamCpuUs };
  console.error(
    `refresh ${members.length} clients round ${round + 1} ${name.padEnd(6)} ${Math.round(run.perSecond)}/s ` +
      `p50 ${run.p50Ms.toFixed(2)} ms cpu ${haptaCpuUs.toFixed(0)} + ${upstreamCpuUs.toFixed(0)} us unasked ${run.unasked} failed ${run.failed}`,
  );
  return run;
};

/** One login, with the token it has rolled to. */
interface RollingMember {
  token: string;
}

// One after the other: each costs PocketBase a password hash.
const loginAll = async (url: string): Promise<readonly RollingMember[]> => {
  const members: RollingMember[] = [];
  for (let at = 0; at < Math.max(...CLIENTS); at++) members.push({ token: await login(url, EMAIL(at)) });
  return members;
};

// The answer to the last request of a round is not read: its token was superseded and never used, so it still serves.
const refreshing =
  (member: RollingMember, seen: { unasked: number }): NextRequest =>
  (answer) => {
    if (answer?.includes(UNASKED) === true) seen.unasked += 1;
    member.token = /"token":"([^"]+)"/.exec(answer ?? "")?.[1] ?? member.token;
    return (
      "POST /api/collections/members/auth-refresh HTTP/1.1\r\nHost: bench\r\nContent-Length: 0\r\n" +
      `Authorization: ${member.token}\r\n\r\n`
    );
  };

const UNASKED = "Cache-Status: hapta; hit";

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
