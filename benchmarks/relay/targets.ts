// The servers that are compared, each in front of the same PocketBase: set up as their manuals say for a
// plain reverse proxy with kept-alive upstream connections and no access log.
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
import type { BenchUpstream } from "../support/upstream.ts";

export type TargetName = "direct" | "hapta" | "nginx" | "caddy" | "haproxy";

export type Target = Server<TargetName>;

// A kept answer would not be relayed at all.
const RELAYING = { Cache: { isEnabled: false }, Files: { CacheBytes: 0 } };

/** Starts a target. `haproxy` is optional: undefined when it is not installed. */
const startTarget = async (name: TargetName, upstream: BenchUpstream): Promise<Target | undefined> => {
  if (name === "direct") return borrowed(name, upstream);
  if (name === "hapta") return haptaServer(name, await startHapta(upstream, { config: RELAYING }));
  return await startProxy(name, upstream, CONFIGS[name]);
};

/** Starts targets one after the other, lends them out, stops them whatever happens. */
export const withTargets = async <T>(
  names: readonly TargetName[],
  upstream: BenchUpstream,
  use: (targets: readonly Target[]) => Promise<T>,
): Promise<T> => {
  await using started = new AsyncDisposableStack();
  const targets: Target[] = [];
  for (const name of names) {
    const target = await startTarget(name, upstream);
    if (target === undefined) console.error(`${name} is not installed: measured without it.`);
    else targets.push(started.use(target));
  }
  return await use(targets);
};

// Bodies pass through as they flow, as they do in Hapta: spooling a gigabyte to disk first would measure the disk.
const renderRelay = (place: Place): string =>
  renderNginx(place, {
    location: `
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_max_temp_file_size 0;
      proxy_request_buffering off;`,
  });

const renderCaddy = ({ port, authority }: Place): string => `{
  admin off
  auto_https off
}
http://127.0.0.1:${port} {
  reverse_proxy ${authority}
}
`;

// With `splice`, bodies never leave the kernel: no relay that reads them can cost less.
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
  option splice-request
  option splice-response
frontend front
  bind 127.0.0.1:${port}
  default_backend pocketbase
backend pocketbase
  http-reuse always
  server one ${authority}
`;

const CONFIGS: Readonly<Record<"nginx" | "caddy" | "haproxy", ProxyConfig>> = {
  nginx: (place) => ({ file: "nginx.conf", text: renderRelay(place), args: ["-c"] }),
  caddy: (place) => ({
    file: "Caddyfile",
    text: renderCaddy(place),
    args: ["run", "--adapter", "caddyfile", "--config"],
  }),
  haproxy: (place) => ({ file: "haproxy.cfg", text: renderHaproxy(place), args: ["-db", "-f"] }),
};
