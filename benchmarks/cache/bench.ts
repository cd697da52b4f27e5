// `bun run bench cache`: what a kept list of 30 records costs, beside PocketBase and nginx's proxy_cache, in one run with
// the order changed each round.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild, waitUntilServing } from "../../tests/support/childProcess.ts";
import { SUPERUSER } from "../../tests/support/fixture/load.ts";
import { startHapta } from "../../tests/support/hapta.ts";
import { freePort } from "../../tests/support/scratch.ts";
import { describeMachine, describeRevision } from "../support/machine.ts";
import type { BenchOptions } from "../support/options.ts";
import { killTree } from "../support/processTree.ts";
import { createQuietWait } from "../support/quiet.ts";
import { median, orderOf } from "../support/stats.ts";
import { requireTools } from "../support/tools.ts";
import { type BenchUpstream, startUpstream } from "../support/upstream.ts";
import { runWrk } from "../support/wrk.ts";

const START_MS = 20_000;
const QUIET_WAIT_MS = 60_000;
const RECORDS = 30;
/** A list of 30 such records is about 14 KB. */
const TEXT_CHARS = 340;
const PATH = "/api/collections/benchList/records?sort=id";

interface Target extends AsyncDisposable {
  readonly name: "pocketbase" | "hapta" | "nginx";
  readonly url: string;
  readonly pid: number;
}

interface Run {
  readonly target: Target["name"];
  readonly round: number;
  readonly requestsPerSecond: number;
  readonly cpuUsPerRequest: number;
  readonly foreignCpus: number;
}

/** Measures, prints a table of medians with their ranges, and writes `results/cache.md` and the raw rounds. */
export const benchCache = async (options: BenchOptions): Promise<void> => {
  const { wrk, nginx } = requireTools(["wrk", "nginx"]);
  const waitForQuiet = createQuietWait(QUIET_WAIT_MS);
  await using upstream = await startUpstream();
  await loadList(upstream.url);
  await using hapta = await startHapta(upstream, {
    config: { ratelimit: GENEROUS },
  });
  await using cached = await startNginx(nginx, upstream);
  const nothing = { [Symbol.asyncDispose]: () => Promise.resolve() };
  const targets: readonly Target[] = [
    { name: "pocketbase", url: upstream.url, pid: upstream.pid, ...nothing },
    { name: "hapta", url: hapta.url, pid: hapta.child.pid, ...nothing },
    cached,
  ];
  const runs: Run[] = [];
  for (let round = 0; round < options.rounds; round++) {
    for (const target of orderOf(targets, round)) {
      const url = `${target.url}${PATH}`;
      for (let i = 0; i < 3; i++) await (await fetch(url)).arrayBuffer();
      await waitForQuiet();
      const load = await runWrk({
        wrk,
        url,
        seconds: options.seconds,
        paceMs: 0,
        serverPid: target.pid,
        upstreamPid: upstream.pid,
      });
      if (load.failed > 0) throw new Error(`${target.name}: ${load.failed} answers failed`);
      runs.push({
        target: target.name,
        round,
        requestsPerSecond: load.requests / load.seconds,
        cpuUsPerRequest: load.cpuUsPerRequest,
        foreignCpus: load.foreignCpus,
      });
    }
  }
  const page = render(options, runs);
  console.log(page);
  if (!options.saves) return;
  const dir = join(import.meta.dir, "..", "results");
  mkdirSync(dir, { recursive: true });
  const date = new Date().toISOString().slice(0, 10);
  const about = { date, command: options.command, machine: describeMachine(), revision: describeRevision() };
  writeFileSync(join(dir, `cache-${date}.json`), `${JSON.stringify({ ...about, runs }, null, 2)}\n`);
  writeFileSync(join(dir, "cache.md"), page);
};

/** Limits stay on, with room for one address that asks without a pause. */
const GENEROUS = { isEnabled: true, Max: 1_000_000, Duration: 1_000 };

const render = ({ command, rounds, seconds }: BenchOptions, runs: readonly Run[]): string => {
  const rows = (["pocketbase", "hapta", "nginx"] as const).map((name) => {
    const own = runs.filter(({ target }) => target === name);
    const cell = (values: readonly number[]): string =>
      `${median(values).toFixed(1)} (${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;
    const busy = Math.max(...own.map(({ foreignCpus }) => foreignCpus));
    const speed = cell(own.map(({ requestsPerSecond }) => requestsPerSecond));
    return `| ${name} | ${speed} | ${cell(own.map(({ cpuUsPerRequest }) => cpuUsPerRequest))} | ${busy.toFixed(2)} |`;
  });
  return [
    "# A kept list of 30 records",
    "",
    `\`${command}\`, ${rounds} rounds of ${seconds} s, 32 connections; medians and ranges. nginx keeps the list with proxy_cache;`,
    "Hapta's limits are on, nobody is signed in.",
    "",
    "| Target | requests/s | CPU per request, us | CPUs busy elsewhere, at most |",
    "| --- | --- | --- | --- |",
    ...rows,
    "",
  ].join("\n");
};

const loadList = async (url: string): Promise<void> => {
  const send = async (path: string, body: unknown, token = ""): Promise<{ readonly token?: string }> => {
    const headers = { "Content-Type": "application/json", Authorization: token };
    const response = await fetch(`${url}/api/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as { token?: string };
  };
  const login = { identity: SUPERUSER.email, password: SUPERUSER.password };
  const { token } = await send("collections/_superusers/auth-with-password", login);
  const fields = [{ name: "text", type: "text" }];
  const collection = { name: "benchList", type: "base", listRule: "", viewRule: "", fields };
  await send("collections", collection, token);
  for (let i = 0; i < RECORDS; i++)
    await send("collections/benchList/records", { text: "x".repeat(TEXT_CHARS) }, token);
};

const startNginx = async (nginx: string, upstream: BenchUpstream): Promise<Target> => {
  const port = await freePort();
  const dir = join(upstream.dir, `nginx-cache-${port}`);
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "nginx.conf");
  writeFileSync(file, renderConfig({ port, dir, authority: new URL(upstream.url).host }));
  const child = startChild({ command: [nginx, "-c", file], cwd: dir });
  const end = (): void => killTree(child.pid);
  process.prependListener("exit", end);
  const url = `http://127.0.0.1:${port}`;
  await waitUntilServing(child, `${url}/api/health`, START_MS);
  return {
    name: "nginx",
    url,
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      await child[Symbol.asyncDispose]();
      process.off("exit", end);
    },
  };
};

const renderConfig = ({ port, dir, authority }: { port: number; dir: string; authority: string }): string => `
daemon off;
worker_processes 1;
${process.getuid?.() === 0 ? "user root;" : ""}
pid ${dir}/pid;
error_log ${dir}/error.log;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${dir}/body;
  proxy_temp_path ${dir}/proxy;
  fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  keepalive_requests 1000000000;
  proxy_cache_path ${dir}/cache keys_zone=lists:8m;
  upstream pocketbase { server ${authority}; keepalive 64; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://pocketbase;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_cache lists;
      proxy_cache_valid 200 1h;
    }
  }
}
`;
