// Networks of well-known proxies by name, so that nobody has to copy lists. Data only: ranges change, so each list
// says where it is from and how old it is.

/**
 * - `loopback`, `private`, `linklocal`: RFC 1122, RFC 1918 and RFC 4193, RFC 3927 and RFC 4291.
 * - `cloudflare`: https://www.cloudflare.com/ips/, as published copies of it agree up to 2026-09-29.
 * - `fastly`: https://api.fastly.com/public-ip-list, as a published copy of 2023-06-06 has it.
 * - `google`: the proxies of Google Cloud's load balancers, as their documentation of firewall rules has named them for
 *   years; no dated copy was compared.
 */
export const PROXY_RANGES: Readonly<Record<string, readonly string[]>> = {
  loopback: ["127.0.0.0/8", "::1/128"],
  private: ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"],
  linklocal: ["169.254.0.0/16", "fe80::/10"],
  cloudflare: [
    "103.21.244.0/22",
    "103.22.200.0/22",
    "103.31.4.0/22",
    "104.16.0.0/13",
    "104.24.0.0/14",
    "108.162.192.0/18",
    "131.0.72.0/22",
    "141.101.64.0/18",
    "162.158.0.0/15",
    "172.64.0.0/13",
    "173.245.48.0/20",
    "188.114.96.0/20",
    "190.93.240.0/20",
    "197.234.240.0/22",
    "198.41.128.0/17",
    "2400:cb00::/32",
    "2405:8100::/32",
    "2405:b500::/32",
    "2606:4700::/32",
    "2803:f800::/32",
    "2a06:98c0::/29",
    "2c0f:f248::/32",
  ],
  fastly: [
    "23.235.32.0/20",
    "43.249.72.0/22",
    "103.244.50.0/24",
    "103.245.222.0/23",
    "103.245.224.0/24",
    "104.156.80.0/20",
    "140.248.64.0/18",
    "140.248.128.0/17",
    "146.75.0.0/17",
    "151.101.0.0/16",
    "157.52.64.0/18",
    "167.82.0.0/17",
    "167.82.128.0/20",
    "167.82.160.0/20",
    "167.82.224.0/20",
    "172.111.64.0/18",
    "185.31.16.0/22",
    "199.27.72.0/21",
    "199.232.0.0/16",
    "2a04:4e40::/32",
    "2a04:4e42::/32",
  ],
  google: ["35.191.0.0/16", "130.211.0.0/22"],
};

/** Replaces names by their networks; everything else stays. */
export const expandRanges = (entries: readonly string[]): string[] =>
  entries.flatMap((entry) => (Object.hasOwn(PROXY_RANGES, entry) ? (PROXY_RANGES[entry] ?? []) : [entry]));
