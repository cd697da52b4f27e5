// The servers that keep a list, set up as their manuals say for a cache in memory that never expires within the run, and what
// is asked of them.
import { join } from "node:path";
import { startChild, waitUntilAnswering } from "../../tests/support/childProcess.ts";
import { startHapta } from "../../tests/support/hapta.ts";
import { freePort } from "../../tests/support/scratch.ts";
import { renderNginx } from "../support/nginx.ts";
import {
  borrowed,
  haptaServer,
  type Place,
  type ProxyConfig,
  type Server,
  startProxy,
} from "../support/servers.ts";
import { ask, type BenchUpstream } from "../support/upstream.ts";
import { APP_LIST, type ListSizes, MEMBER, SMALLEST_LIST } from "./lists.ts";

/** Limits stay on, with room for one address that asks without a pause. */
export const GENEROUS = { isEnabled: true, Max: 1_000_000, Duration: 1_000 };

const START_MS = 20_000;

/** Who is asked for the app's list, and with what; `, smallest` is the other list, `bare` no cache but a loop over sockets. */
export type TargetName =
  | "pocketbase"
  | "hapta"
  | "hapta guest"
  | "hapta 304"
  | "nginx"
  | "nginx 304"
  | "varnish"
  | "bare"
  | "bare 304"
  | "pocketbase, smallest"
  | "hapta, smallest"
  | "nginx, smallest";

/** Something that is asked, and how. */
export interface Asked {
  readonly name: TargetName;
  readonly server: Pick<Server, "url" | "pid">;
  readonly path: string;
  readonly headers: readonly string[];
  /** It only informs: half the time will do. */
  readonly isBrief?: true;
}

/** Starts the servers one after the other onto `stack`. A missing Varnish is said and left out. */
export const startTargets = async (
  upstream: BenchUpstream,
  sizes: ListSizes,
  stack: AsyncDisposableStack,
): Promise<readonly Asked[]> => {
  const pocketbase = borrowed("pocketbase", upstream);
  const nginx = await startProxy("nginx", upstream, CONFIGS.nginx);
  if (nginx === undefined) throw new Error("nginx is not installed");
  stack.use(nginx);
  const varnish = await startProxy("varnishd", upstream, CONFIGS.varnishd);
  if (varnish === undefined) console.error("varnishd is not installed: measured without it.");
  else stack.use(varnish);
  const [bare, bare304] = [stack.use(await startBare(sizes.app)), stack.use(await startBare(0))];
  const app = { path: APP_LIST, headers: [] };
  const smallest = { path: SMALLEST_LIST, headers: [], isBrief: true } as const;
  return [
    { name: "pocketbase", server: pocketbase, ...app },
    ...(await startOurs(upstream, stack)),
    { name: "nginx", server: nginx, ...app },
    { name: "nginx 304", server: nginx, ...app, headers: [`If-None-Match: ${NGINX_TAG}`], isBrief: true },
    ...(varnish === undefined ? [] : [{ name: "varnish", server: varnish, ...app } as const]),
    { name: "bare", server: bare, ...app, isBrief: true },
    { name: "bare 304", server: bare304, ...app, isBrief: true },
    { name: "pocketbase, smallest", server: pocketbase, ...smallest },
    { name: "nginx, smallest", server: nginx, ...smallest },
  ];
};

const startOurs = async (upstream: BenchUpstream, stack: AsyncDisposableStack): Promise<readonly Asked[]> => {
  const started = await startHapta(upstream, { config: { ratelimit: GENEROUS } });
  const server = stack.use(haptaServer("hapta", started));
  const login = "POST /api/collections/benchMembers/auth-with-password";
  const { token } = await ask(server.url, login, { body: MEMBER });
  const signedIn = [`Authorization: ${String(token)}`];
  const asMember = { "Accept-Encoding": "identity", Authorization: String(token) };
  const etag = (await fetch(server.url + APP_LIST, { headers: asMember })).headers.get("etag");
  const app = { server, path: APP_LIST };
  return [
    { name: "hapta", ...app, headers: signedIn },
    { name: "hapta 304", ...app, headers: [...signedIn, `If-None-Match: ${etag}`] },
    { name: "hapta guest", ...app, headers: [] },
    { name: "hapta, smallest", server, path: SMALLEST_LIST, headers: signedIn, isBrief: true },
  ];
};

/** A loop over sockets on the runtime that Hapta has. */
const startBare = async (bodyBytes: number): Promise<AsyncDisposable & Pick<Server, "url" | "pid">> => {
  const port = await freePort();
  const command = [
    process.execPath,
    "run",
    join(import.meta.dir, "bareAnswer.ts"),
    `${port}`,
    `${bodyBytes}`,
  ];
  const child = startChild({ command, cwd: import.meta.dir });
  const url = `http://127.0.0.1:${port}`;
  await waitUntilAnswering(child, url, { deadlineMs: START_MS, status: bodyBytes === 0 ? 304 : 200 });
  return { url, pid: child.pid, [Symbol.asyncDispose]: () => child[Symbol.asyncDispose]() };
};

const renderVarnish = ({ authority }: Place): string => {
  const [host, port] = authority.split(":");
  return `
vcl 4.1;
backend default { .host = "${host}"; .port = "${port}"; }
sub vcl_recv {
  if (req.method == "GET" && req.url !~ "^/api/health") { return (hash); }
}
sub vcl_backend_response { set beresp.ttl = 1h; }
`;
};

/** PocketBase gives lists no entity tag, and nginx makes none: one is put between them, so that it has something to compare. */
const NGINX_TAG = '"0123456789abcdef01234567"';

const renderTagging = ({ authority }: Place, socket: string): string => `
  server {
    listen ${socket};
    location / { proxy_pass http://${authority}; add_header ETag '${NGINX_TAG}'; }
  }`;

const CONFIGS: Readonly<Record<"nginx" | "varnishd", ProxyConfig>> = {
  nginx: (place) => {
    const tagging = `unix:${place.dir}/tagging`;
    return {
      file: "nginx.conf",
      args: ["-c"],
      text: renderNginx(
        { ...place, authority: tagging },
        {
          http: `
  proxy_cache_path ${place.dir}/cache keys_zone=lists:8m;${renderTagging(place, tagging)}`,
          location: `
      proxy_cache lists;
      proxy_cache_valid 200 1h;`,
        },
      ),
    };
  },
  varnishd: (place) => ({
    file: "default.vcl",
    args: [
      "-F",
      "-j",
      "none",
      "-a",
      `127.0.0.1:${place.port}`,
      "-n",
      `${place.dir}/work`,
      "-s",
      "malloc,64m",
      "-f",
    ],
    text: renderVarnish(place),
  }),
};
