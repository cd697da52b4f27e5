// Relayed realtime streams, bound to the session that subscribes on them.
import { readStructMembers } from "../bodies/structMembers.ts";
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import { multipartCodec } from "../multipart/codec.ts";
import type { LiveStreams } from "../realtime/liveStreams.ts";
import { headerValue } from "../utils/headers.ts";

/** Follows `GET /api/realtime` streams and binds them at each acknowledged `POST`. */
export const followRealtime = (streams: LiveStreams, exchange: Exchange, answer: Answer): Answer => {
  if (answer.status >= 300) return answer;
  if (exchange.route.isStream === true) {
    return isStreamed(answer.body)
      ? { ...answer, body: streams.track(answer.body, exchange.client.address) }
      : answer;
  }
  const { principal } = exchange;
  const session = principal.kind === "guest" ? undefined : principal.session;
  const clientId = session === undefined ? undefined : clientIdIn(exchange);
  if (session !== undefined && clientId !== undefined) streams.bind(clientId, session);
  return answer;
};

// In whatever form PocketBase takes it: a stream that is not bound would outlive its session.
const clientIdIn = ({ body, headers }: Exchange): string | undefined => {
  if (body.kind !== "bytes") return undefined;
  const type = headerValue(headers, "content-type") ?? "";
  const found = readStructMembers(body.bytes, type, multipartCodec).get("clientid");
  return typeof found === "string" ? found : undefined;
};
