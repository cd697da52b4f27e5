// Servers that a benchmark compares, each in front of the same PocketBase: how they are started, found and ended.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild, waitUntilServing } from "../../tests/support/childProcess.ts";
import type { Hapta } from "../../tests/support/hapta.ts";
import { freePort } from "../../tests/support/scratch.ts";
import { killTree } from "./processTree.ts";
import { findTool } from "./tools.ts";
import type { BenchUpstream } from "./upstream.ts";

const START_MS = 20_000;

/** A running server under test. */
export interface Server<Name extends string = string> extends AsyncDisposable {
  readonly name: Name;
  readonly url: string;
  /** Root of the server's process tree. */
  readonly pid: number;
}

/** Where a proxy finds what, and where it may write. */
export interface Place {
  readonly port: number;
  readonly dir: string;
  /** `host:port` of PocketBase. */
  readonly authority: string;
}

/** How a proxy is started: with this text in a file, whose path comes behind `args`. */
export type ProxyConfig = (place: Place) => {
  readonly file: string;
  readonly text: string;
  readonly args: readonly string[];
};

/** PocketBase itself, which others end. */
export const borrowed = <Name extends string>(name: Name, { url, pid }: BenchUpstream): Server<Name> => ({
  name,
  url,
  pid,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

export const haptaServer = <Name extends string>(name: Name, hapta: Hapta): Server<Name> => ({
  name,
  url: hapta.url,
  pid: hapta.child.pid,
  [Symbol.asyncDispose]: () => hapta[Symbol.asyncDispose](),
});

/** Starts the program called `name`. @returns undefined when it is not installed. */
export const startProxy = async <Name extends string>(
  name: Name,
  upstream: BenchUpstream,
  config: ProxyConfig,
): Promise<Server<Name> | undefined> => {
  const tool = findTool(name);
  if (tool === undefined) return undefined;
  const port = await freePort();
  const dir = join(upstream.dir, `${name}-${port}`);
  mkdirSync(dir, { recursive: true });
  const { file, text, args } = config({ port, dir, authority: new URL(upstream.url).host });
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

/** nginx with one worker, kept-alive upstream connections and no access log; `http` and `location` add directives. */
export const renderNginx = (
  { port, dir, authority }: Place,
  { http = "", location = "" }: { readonly http?: string; readonly location?: string },
): string => `
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
${http}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://pocketbase;
      proxy_http_version 1.1;
      proxy_set_header Connection "";${location}
    }
  }
}
`;
