// Client addresses: parsing, ranges, and who the client is behind proxies the operator trusts.
import ipaddr from "ipaddr.js";
import { blockText } from "./addressBlocks.ts";
import { RecentMap } from "./recentMap.ts";

type Range = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Who sent a request, as far as the network can tell. */
export interface Client {
  /** IPv4 in dotted form (mapped IPv6 is unmapped) or IPv6 in its shortest form, without a zone. */
  readonly address: string;
  /** Whom bounds of one client are about: the address, or of an IPv6 one its /64, all of which is one household's. */
  readonly block: string;
  /** Loopback, private or link-local, and nothing hints at an unknown proxy in between. */
  readonly isPrivate: boolean;
  /** The address is a proxy's: it stands for somebody it did not name in a way Hapta believes. */
  readonly isProxied: boolean;
  /** The client came by https, by the word of a trusted proxy; Hapta itself speaks plain http. */
  readonly isSecure: boolean;
}

// Only the spellings every reader agrees on: no `127.1`, no octal or hexadecimal parts, and a dotted tail in
// IPv6 only where it is a mapped IPv4.
const parse = (text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined => {
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return ipaddr.IPv4.parse(text);
  if (text.includes(".") && !/:ffff:[0-9.]+$/i.test(text)) return undefined;
  // The zone names an interface of this machine, which says nothing about the client.
  const bare = text.replace(/%[0-9A-Za-z._-]{1,32}$/, "");
  return ipaddr.IPv6.isValid(bare) ? ipaddr.process(bare) : undefined;
};

/** Canonical text of an address, or undefined. `::ffff:1.2.3.4` is the client `1.2.3.4`. */
export const parseAddress = (text: string): string | undefined => parse(text)?.toString();

/** A test for membership in CIDR blocks or single addresses. @throws when one does not parse. */
export const createAddressTest = (blocks: readonly string[]): ((address: string) => boolean) => {
  const ranges = blocks.map(toRange);
  return (address) => {
    const parsed = ranges.length === 0 ? undefined : parse(address);
    if (parsed === undefined) return false;
    return ranges.some(
      ([base, bits]) => parsed.kind() === base.kind() && parsed.match([base, bits] as never),
    );
  };
};

const toRange = (block: string): Range => {
  if (!block.includes("/")) {
    const address = ipaddr.process(block);
    return [address, address.kind() === "ipv4" ? 32 : 128];
  }
  const [base, bits] = ipaddr.parseCIDR(block);
  const isMapped = base instanceof ipaddr.IPv6 && base.isIPv4MappedAddress() && bits >= 96;
  return isMapped ? [base.toIPv4Address(), bits - 96] : [base, bits];
};

const PRIVATE_RANGES = new Set(["loopback", "private", "uniqueLocal", "linkLocal"]);

/** Whether an address is loopback, private (RFC 1918, RFC 4193) or link-local. */
export const isPrivateAddress = (address: string): boolean => {
  const range = parse(address)?.range();
  return range !== undefined && PRIVATE_RANGES.has(range);
};

/** What the client resolver needs of a request. */
export interface Hop {
  /** Socket peer. */
  readonly peer: string;
  /** All `X-Forwarded-For` values in order, joined by commas; undefined when absent. */
  readonly forwardedFor: string | undefined;
  /** All `X-Forwarded-Proto` values in order, joined by commas; undefined when absent. */
  readonly forwardedProto?: string | undefined;
  /** Whether any forwarding header came along (`X-Forwarded-*`, `Forwarded`, `X-Real-IP`...). */
  readonly isForwarded: boolean;
}

/** So many peers are known, and so many clients behind trusted ones. */
const CLIENTS_MAX = 4096;
/** What proxies say is read anew each time when it is longer; in characters. */
const KEPT_CHARS_MAX = 256;

/** A socket peer, and who it stands for when it forwards and nobody trusts it. */
interface Peer {
  readonly client: Client;
  readonly stranger: Client;
  readonly isTrusted: boolean;
}

/**
 * Resolves the client of a request: the socket peer, or, when the peer is a trusted proxy, the
 * right-most entry of `X-Forwarded-For` that is not itself trusted. Entries that do not parse end the
 * walk at the hop before them. Forwarding headers from anybody else have no effect on the address, but
 * they take `isPrivate` away: a proxy nobody configured may be relaying the whole world. A trusted proxy
 * also says whether the client came by https; where several have a say, all must. Who comes again is the same object.
 *
 * @param onStranger - Told of every request that somebody forwards whom nobody trusts, with who that is.
 */
export const createClientResolver = (
  trustedProxies: readonly string[],
  onStranger?: (client: Client, hop: Hop) => void,
): ((hop: Hop) => Client) => {
  const isTrusted = createAddressTest(trustedProxies);
  const peers = new RecentMap<Peer>(CLIENTS_MAX);
  const behind = new RecentMap<Client>(CLIENTS_MAX);

  const readPeer = (peer: string): Peer => {
    const address = parseAddress(peer) ?? "0.0.0.0";
    const found = {
      client: direct(address, false),
      stranger: proxied(address, false),
      isTrusted: isTrusted(address),
    };
    peers.set(peer, found);
    return found;
  };

  const readForwarded = ({ forwardedFor, forwardedProto }: Hop, proxy: Client): Client => {
    const isSecure = isHttps(forwardedProto);
    if (forwardedFor === undefined) return proxied(proxy.address, isSecure);
    let { address } = proxy;
    for (const entry of forwardedFor.split(",").reverse()) {
      const parsed = parseAddress(entry.trim());
      if (parsed === undefined) return proxied(address, isSecure);
      address = parsed;
      if (!isTrusted(parsed)) break;
    }
    return direct(address, isSecure);
  };

  // Reading what proxies say takes about as long as an answer from the cache, and each client's says the same each time.
  const clientBehind = (hop: Hop, proxy: Client): Client => {
    const { forwardedFor = "", forwardedProto = "" } = hop;
    const said = `${proxy.address}\n${forwardedProto}\n${forwardedFor}`;
    if (said.length > KEPT_CHARS_MAX) return readForwarded(hop, proxy);
    const known = behind.get(said);
    if (known !== undefined) return known;
    const client = readForwarded(hop, proxy);
    behind.set(said, client);
    return client;
  };

  return (hop) => {
    const { client, stranger, isTrusted } = peers.get(hop.peer) ?? readPeer(hop.peer);
    if (!hop.isForwarded) return client;
    if (isTrusted) return clientBehind(hop, client);
    onStranger?.(client, hop);
    return stranger;
  };
};

const HTTPS_ONLY = /^\s*https\s*(?:,\s*https\s*)*$/i;

const isHttps = (proto: string | undefined): boolean => proto !== undefined && HTTPS_ONLY.test(proto);

const direct = (address: string, isSecure: boolean): Client => ({
  address,
  block: blockText(address),
  isPrivate: isPrivateAddress(address),
  isProxied: false,
  isSecure,
});

const proxied = (address: string, isSecure: boolean): Client => ({
  address,
  block: blockText(address),
  isPrivate: false,
  isProxied: true,
  isSecure,
});
