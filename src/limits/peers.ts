// Socket peers: how many connections each may have, and which of them should have been trusted. Closes nothing itself.
import type { PeerBound } from "../http/listener.ts";
import type { Log } from "../insight/log.ts";
import { type Client, createAddressTest, type Hop, parseAddress } from "../utils/address.ts";
import { blockText } from "../utils/addressBlocks.ts";
import type { Limits } from "./limits.ts";

/** Tells the operator, once, of a proxy of his own that was forgotten in the settings; anybody may write such headers. */
export const createStrangerWarning = (log: Log): ((client: Client, hop: Hop) => void) => {
  let isSaid = false;
  return ({ address, isPrivate }, { forwardedProto }) => {
    if (isSaid || !isPrivate) return;
    isSaid = true;
    const cookies = forwardedProto === undefined ? "" : ", and cookies have no Secure though it says https";
    log(
      "warn",
      `${address} forwards requests but is not in Network.TrustedProxies: all its visitors count as one client${cookies}.`,
    );
  };
};

/** Bounds the connections of one peer by the limits in force; those of a trusted proxy are many clients'. */
export const createPeerBound = (limits: Limits, trustedProxies: readonly string[]): PeerBound => {
  const isProxy = createAddressTest(trustedProxies);
  return {
    peerOf: (text) => {
      const address = parseAddress(text) ?? "";
      return isProxy(address) ? undefined : blockText(address);
    },
    connectionsMax: () =>
      limits.isEnabled ? limits.config.connectionsPerAddressMax : Number.POSITIVE_INFINITY,
  };
};
