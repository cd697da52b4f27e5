// The usual proxies in front of PocketBase, set up as their manuals say for a plain reverse proxy with kept-alive upstream
// connections and no access log.
import { renderNginx } from "./nginx.ts";
import { type Place, type ProxyConfig, type Server, startProxy } from "./servers.ts";
import type { BenchUpstream } from "./upstream.ts";

export type RelayName = "nginx" | "caddy" | "haproxy";

/** Starts a proxy. @returns undefined when it is not installed. */
export const startRelay = <Name extends RelayName>(
  name: Name,
  upstream: BenchUpstream,
): Promise<Server<Name> | undefined> => startProxy(name, upstream, CONFIGS[name]);

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

const CONFIGS: Readonly<Record<RelayName, ProxyConfig>> = {
  nginx: (place) => ({ file: "nginx.conf", text: renderRelay(place), args: ["-c"] }),
  caddy: (place) => ({
    file: "Caddyfile",
    text: renderCaddy(place),
    args: ["run", "--adapter", "caddyfile", "--config"],
  }),
  haproxy: (place) => ({ file: "haproxy.cfg", text: renderHaproxy(place), args: ["-db", "-f"] }),
};
