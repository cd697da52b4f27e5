// An nginx with one worker and a given `http` block, as a target of a benchmark.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild, waitUntilServing } from "../../tests/support/childProcess.ts";
import { freePort } from "../../tests/support/scratch.ts";
import { killTree } from "./processTree.ts";

const START_MS = 20_000;

/** A running nginx. */
export interface Nginx extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
}

export interface NginxOptions {
  /** Path of the program. */
  readonly nginx: string;
  /** A folder of its own. */
  readonly dir: string;
  /** What stands in the `server` block, besides `listen`. */
  readonly server: string;
  /** A path that answers 200. */
  readonly probe: string;
}

/** Starts it on a free port; it ends with this process at the latest. */
export const startNginx = async ({ nginx, dir, server, probe }: NginxOptions): Promise<Nginx> => {
  const port = await freePort();
  mkdirSync(dir, { recursive: true });
  const file = join(dir, "nginx.conf");
  writeFileSync(file, renderConfig(dir, port, server));
  const child = startChild({ command: [nginx, "-c", file], cwd: dir });
  const end = (): void => killTree(child.pid);
  process.prependListener("exit", end);
  const url = `http://127.0.0.1:${port}`;
  await waitUntilServing(child, url + probe, START_MS);
  return {
    url,
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      await child[Symbol.asyncDispose]();
      process.off("exit", end);
    },
  };
};

const renderConfig = (dir: string, port: number, server: string): string => `
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
  server {
    listen 127.0.0.1:${port};
    ${server}
  }
}
`;
