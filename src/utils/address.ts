// Client addresses: parsing, ranges, and who the client is behind proxies the operator trusts.
import ipaddr from "ipaddr.js";

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Who sent a request, as far as the network can tell. */
export interface Client {
  /** IPv4 in dotted form (mapped IPv6 is unmapped) or IPv6 in its shortest form. */
  readonly address: string;
  /** Loopback, private or link-local, and nothing hints at an unknown proxy in between. */
  readonly isPrivate: boolean;
}

/** Canonical text of an address, or undefined. `::ffff:1.2.3.4` is the client `1.2.3.4`. */
export const parseAddress = (text: string): string | undefined => {
  if (!ipaddr.isValid(text)) return undefined;
  return ipaddr.process(text).toString();
};

/** A test for membership in CIDR blocks or single addresses. @throws when one does not parse. */
export const createAddressTest = (blocks: readonly string[]): ((address: string) => boolean) => {
  const ranges = blocks.map(toRange);
  return (address) => {
    if (ranges.length === 0 || !ipaddr.isValid(address)) return false;
    const parsed = ipaddr.process(address);
    return ranges.some(
      ([base, bits]) => parsed.kind() === base.kind() && parsed.match([base, bits] as never),
    );
  };
};

const toRange = (block: string): Range => {
  if (block.includes("/")) return ipaddr.parseCIDR(block);
  const address = ipaddr.process(block);
  return [address, address.kind() === "ipv4" ? 32 : 128];
};

const PRIVATE_RANGES = new Set(["loopback", "private", "uniqueLocal", "linkLocal"]);

/** Whether an address is loopback, private (RFC 1918, RFC 4193) or link-local. */
export const isPrivateAddress = (address: string): boolean =>
  ipaddr.isValid(address) && PRIVATE_RANGES.has(ipaddr.process(address).range());

/** What the client resolver needs of a request. */
export interface Hop {
  /** Socket peer. */
  readonly peer: string;
  /** All `X-Forwarded-For` values in order, joined by commas; undefined when absent. */
  readonly forwardedFor: string | undefined;
  /** Whether any forwarding header came along (`X-Forwarded-*`, `Forwarded`, `X-Real-IP`...). */
  readonly isForwarded: boolean;
}

const PEERS_MAX = 4096;

/**
 * Resolves the client of a request: the socket peer, or, when the peer is a trusted proxy, the
 * right-most entry of `X-Forwarded-For` that is not itself trusted. Entries that do not parse end the
 * walk at the hop before them. Forwarding headers from anybody else have no effect on the address, but
 * they take `isPrivate` away: a proxy nobody configured may be relaying the whole world.
 */
export const createClientResolver = (trustedProxies: readonly string[]): ((hop: Hop) => Client) => {
  const isTrusted = createAddressTest(trustedProxies);
  const peers = new Map<string, { readonly client: Client; readonly trusted: boolean }>();

  const lookUp = (peer: string): { readonly client: Client; readonly trusted: boolean } => {
    const known = peers.get(peer);
    if (known !== undefined) return known;
    const address = parseAddress(peer) ?? "0.0.0.0";
    const found = { client: { address, isPrivate: isPrivateAddress(address) }, trusted: isTrusted(address) };
    if (peers.size >= PEERS_MAX) peers.clear();
    peers.set(peer, found);
    return found;
  };

  return ({ peer, forwardedFor, isForwarded }) => {
    const { client, trusted } = lookUp(peer);
    if (!isForwarded) return client;
    if (!trusted) return { address: client.address, isPrivate: false };
    if (forwardedFor === undefined) return client;
    let address = client.address;
    for (const entry of forwardedFor.split(",").reverse()) {
      const parsed = parseAddress(entry.trim());
      if (parsed === undefined) return { address, isPrivate: false };
      address = parsed;
      if (!isTrusted(parsed)) break;
    }
    return { address, isPrivate: isPrivateAddress(address) };
  };
};
