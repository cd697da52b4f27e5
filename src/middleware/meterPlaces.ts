// Places that requests hold while they are under way: so many of an address, of a user, so many streams. A helper of the
// stage `meter`; who gets no place is refused.
import type { ErrorCode } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Caller } from "../limits/buckets.ts";
import { limitRefusal } from "../limits/limitRefusal.ts";
import type { Limits } from "../limits/limits.ts";
import type { Hub } from "../realtime/hub.ts";

/** What those are told who hold all the places they may have. */
const WAIT_MS = 1_000;
const STREAM_WAIT_MS = 5_000;

export interface Places {
  /**
   * @param clientId - The stream that a subscription is for.
   * @throws Refusal `too_many_at_once`, `too_many_streams`
   */
  check(exchange: Exchange, caller: Caller, clientId: unknown): void;
  /** Takes a place until the answer is out or the client gone. */
  take(exchange: Exchange, caller: Caller): void;
}

export const createPlaces = (limits: Limits, hub: Hub): Places => {
  const { inFlight, streams } = limits;

  const isCrowded = ({ client }: Exchange, { user }: Caller): boolean => {
    const { inFlightPerAddressMax, inFlightPerUserMax } = limits.config;
    if (inFlight.of(client.block) >= inFlightPerAddressMax) return true;
    return user !== undefined && inFlight.of(user) >= inFlightPerUserMax;
  };

  const hasManyStreams = ({ session }: Caller, clientId: unknown): boolean => {
    if (session === undefined) return false;
    const others = hub.ownedBesides(session, typeof clientId === "string" ? clientId : "");
    return others >= limits.config.streamsPerSessionMax;
  };

  return {
    check: (exchange, caller, clientId) => {
      const { route, headers, client } = exchange;
      const { message, streamsPerAddressMax } = limits.config;
      const refuse = (code: ErrorCode, waitMs: number): never => {
        throw limitRefusal(headers, { code, waitMs, policy: code, message });
      };
      if (route.isStream === true) {
        // Who opens a WebSocket may be known already; an event stream is nobody's before it subscribes.
        const isKnown = route.isSocket === true && hasManyStreams(caller, undefined);
        if (isKnown || streams.of(client.block) >= streamsPerAddressMax)
          refuse("too_many_streams", STREAM_WAIT_MS);
      } else if (isCrowded(exchange, caller)) refuse("too_many_at_once", WAIT_MS);
      else if (route.kind === "realtime" && hasManyStreams(caller, clientId))
        refuse("too_many_streams", STREAM_WAIT_MS);
    },
    take: ({ route, presence, client: { block } }, { user }) => {
      if (route.isStream === true) {
        streams.enter(block);
        presence.whenOver = () => streams.leave(block);
        return;
      }
      inFlight.enter(block);
      if (user !== undefined) inFlight.enter(user);
      presence.whenOver = () => {
        inFlight.leave(block);
        if (user !== undefined) inFlight.leave(user);
      };
    },
  };
};
