// nginx with one worker, as a proxy or with a `server` block of one's own, as a target of a benchmark.
import { freePort } from "../../tests/support/scratch.ts";
import { type Place, type Server, startProgram } from "./servers.ts";

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
export const startNginx = async (options: NginxOptions): Promise<Server<"nginx">> => {
  const { nginx, dir, server, probe } = options;
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const text = render({ port, dir }, { server });
  const started = { tool: nginx, args: ["-c"], dir, file: "nginx.conf", text, probe: url + probe };
  return { name: "nginx", url, ...(await startProgram(started)) };
};

/** A proxy with kept-alive upstream connections; `http` and `location` add directives. */
export const renderNginx = (
  place: Place,
  { http = "", location = "" }: { readonly http?: string; readonly location?: string },
): string =>
  render(place, {
    http: `
  client_max_body_size 0;
  upstream pocketbase { server ${place.authority}; keepalive 64; keepalive_requests 1000000000; }
${http}`,
    server: `location / {
      proxy_pass http://pocketbase;
      proxy_http_version 1.1;
      proxy_set_header Connection "";${location}
    }`,
  });

const render = (
  { port, dir }: Pick<Place, "port" | "dir">,
  { http = "", server }: { readonly http?: string; readonly server: string },
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
${http}
  server {
    listen 127.0.0.1:${port};
    ${server}
  }
}
`;
