// The servers that are compared, each in front of the same PocketBase: set up as their manuals say for a
// plain reverse proxy with kept-alive upstream connections and no access log.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild, waitUntilServing } from "../../tests/support/childProcess.ts";
import { startHapta } from "../../tests/support/hapta.ts";
import { freePort } from "../../tests/support/scratch.ts";
import { killTree } from "../support/processTree.ts";
import { findTool } from "../support/tools.ts";
import type { BenchUpstream } from "../support/upstream.ts";

const START_MS = 20_000;

export type TargetName = "direct" | "hapta" | "nginx" | "caddy" | "haproxy";

export interface Target extends AsyncDisposable {
  readonly name: TargetName;
  readonly url: string;
  /** Root of the server's process tree. */
  readonly pid: number;
}

/** Starts a target. `haproxy` is optional: undefined when it is not installed. */
export const startTarget = async (name: TargetName, upstream: BenchUpstream): Promise<Target | undefined> => {
  if (name === "direct") {
    return { name, url: upstream.url, pid: upstream.pid, [Symbol.asyncDispose]: () => Promise.resolve() };
  }
  if (name === "hapta") {
    const hapta = await startHapta(upstream);
    return {
      name,
      url: hapta.url,
      pid: hapta.child.pid,
      [Symbol.asyncDispose]: () => hapta[Symbol.asyncDispose](),
    };
  }
  const tool = findTool(name);
  if (tool === undefined) return undefined;
  const port = await freePort();
  const dir = join(upstream.dir, `${name}-${port}`);
  mkdirSync(dir, { recursive: true });
  const { file, text, args } = CONFIGS[name]({ port, dir, authority: new URL(upstream.url).host });
  writeFileSync(join(dir, file), text);
  const child = startChild({
    command: [tool, ...args, join(dir, file)],
    cwd: dir,
    env: { XDG_DATA_HOME: dir },
  });
  const url = `http://127.0.0.1:${port}`;
  // When the benchmark is interrupted: before the parent is killed, since its workers would outlive it.
  const end = (): void => killTree(child.pid);
  process.prependListener("exit", end);
  const stop = async (): Promise<void> => {
    await child[Symbol.asyncDispose]();
    process.off("exit", end);
  };
  await waitUntilServing(child, `${url}/api/health`, START_MS);
  return { name, url, pid: child.pid, [Symbol.asyncDispose]: stop };
};

interface Place {
  readonly port: number;
  readonly dir: string;
  /** `host:port` of PocketBase. */
  readonly authority: string;
}

interface Config {
  readonly file: string;
  readonly text: string;
  /** Arguments in front of the path of the config file. */
  readonly args: readonly string[];
}

// Bodies pass through as they flow, as they do in Hapta: spooling a gigabyte to disk first would measure the disk.
const renderNginx = ({ port, dir, authority }: Place): string => `
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
  client_max_body_size 0;
  upstream pocketbase { server ${authority}; keepalive 64; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://pocketbase;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_max_temp_file_size 0;
      proxy_request_buffering off;
    }
  }
}
`;

const renderCaddy = ({ port, authority }: Place): string => `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  reverse_proxy ${authority}
}
`;

const renderHaproxy = ({ port, authority }: Place): string => `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option forwardfor
frontend front
  bind 127.0.0.1:${port}
  default_backend pocketbase
backend pocketbase
  http-reuse always
  server one ${authority}
`;

const CONFIGS: Readonly<Record<"nginx" | "caddy" | "haproxy", (place: Place) => Config>> = {
  nginx: (place) => ({ file: "nginx.conf", text: renderNginx(place), args: ["-c"] }),
  caddy: (place) => ({
    file: "Caddyfile",
    text: renderCaddy(place),
    args: ["run", "--adapter", "caddyfile", "--config"],
  }),
  haproxy: (place) => ({ file: "haproxy.cfg", text: renderHaproxy(place), args: ["-db", "-f"] }),
};
