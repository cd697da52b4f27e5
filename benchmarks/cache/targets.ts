// The servers that keep one list of 30 records, set up as their manuals say for a cache in memory that never expires within
// the run, and what is asked of them.
import { startHapta } from "../../tests/support/hapta.ts";
import { renderNginx } from "../support/nginx.ts";
import {
  borrowed,
  haptaServer,
  type Place,
  type ProxyConfig,
  type Server,
  startProxy,
} from "../support/servers.ts";
import { ask, type BenchUpstream, loginSuperuser } from "../support/upstream.ts";

/** Limits stay on, with room for one address that asks without a pause. */
export const GENEROUS = { isEnabled: true, Max: 1_000_000, Duration: 1_000 };

const RECORDS = 30;
/** A list of 30 such records is about 14 KB. */
const TEXT_CHARS = 340;
/** The list that is kept. */
export const LIST = "/api/collections/benchList/records?sort=id";
const MEMBER = { email: "member@example.com", password: "correct horse 1" };

/** Loads the list, and the member who reads it. */
export const loadList = async (upstream: BenchUpstream): Promise<void> => {
  const { url } = upstream;
  const token = await loginSuperuser(url);
  const fields = [{ name: "text", type: "text" }];
  const open = { type: "base", listRule: "", viewRule: "" };
  await ask(url, "POST /api/collections", { token, body: { name: "benchList", ...open, fields } });
  for (let i = 0; i < RECORDS; i++)
    await ask(url, "POST /api/collections/benchList/records", {
      token,
      body: { text: "x".repeat(TEXT_CHARS) },
    });
  await ask(url, "POST /api/collections", { token, body: { name: "benchMembers", type: "auth" } });
  const body = { ...MEMBER, passwordConfirm: MEMBER.password };
  await ask(url, "POST /api/collections/benchMembers/records", { token, body });
};

/** Something that is asked, and how. */
export interface Asked {
  readonly name: "pocketbase" | "hapta" | "hapta guest" | "hapta 304" | "nginx" | "varnish";
  readonly server: Server;
  readonly headers: readonly string[];
}

/** Starts the servers one after the other onto `stack`. A missing Varnish is said and left out. */
export const startTargets = async (
  upstream: BenchUpstream,
  stack: AsyncDisposableStack,
): Promise<readonly Asked[]> => {
  const started = await startHapta(upstream, { config: { ratelimit: GENEROUS } });
  const hapta = stack.use(haptaServer("hapta", started));
  const login = { identity: MEMBER.email, password: MEMBER.password };
  const { token } = await ask(hapta.url, "POST /api/collections/benchMembers/auth-with-password", {
    body: login,
  });
  const signedIn = [`Authorization: ${String(token)}`];
  const etag = (await fetch(hapta.url + LIST, { headers: { "Accept-Encoding": "identity" } })).headers.get(
    "etag",
  );
  const asked: Asked[] = [
    { name: "pocketbase", server: borrowed("pocketbase", upstream), headers: [] },
    { name: "hapta", server: hapta, headers: signedIn },
    { name: "hapta 304", server: hapta, headers: [...signedIn, `If-None-Match: ${etag}`] },
    { name: "hapta guest", server: hapta, headers: [] },
  ];
  for (const [name, program] of [
    ["nginx", "nginx"],
    ["varnish", "varnishd"],
  ] as const) {
    const server = await startProxy(program, upstream, CONFIGS[program]);
    if (server === undefined) console.error(`${program} is not installed: measured without it.`);
    else asked.push({ name, server: stack.use(server), headers: [] });
  }
  return asked;
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

const CONFIGS: Readonly<Record<"nginx" | "varnishd", ProxyConfig>> = {
  nginx: (place) => ({
    file: "nginx.conf",
    args: ["-c"],
    text: renderNginx(place, {
      http: `  proxy_cache_path ${place.dir}/cache keys_zone=lists:8m;`,
      location: `
      proxy_cache lists;
      proxy_cache_valid 200 1h;`,
    }),
  }),
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
