// Relayed realtime streams, bound to the session that subscribes on them.
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { LiveStreams } from "../realtime/liveStreams.ts";

/** Follows `GET /api/realtime` streams and binds them at each acknowledged `POST`. */
export const followRealtime = (streams: LiveStreams, exchange: Exchange, answer: Answer): Answer => {
  if (answer.status >= 300) return answer;
  if (exchange.route.isStream === true) {
    return isStreamed(answer.body)
      ? { ...answer, body: streams.track(answer.body, exchange.client.address) }
      : answer;
  }
  const { principal, body } = exchange;
  const session = principal.kind === "guest" ? undefined : principal.session;
  if (session === undefined || body.kind !== "bytes") return answer;
  const clientId = clientIdIn(body.bytes);
  if (clientId !== undefined) streams.bind(clientId, session);
  return answer;
};

// PocketBase matches the member in any case; the body holds one spelling only (see bodies/structBody).
const clientIdIn = (bytes: Uint8Array): string | undefined => {
  try {
    const json: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof json !== "object" || json === null) return undefined;
    const found = Object.entries(json).find(([name]) => name.toLowerCase() === "clientid")?.[1];
    return typeof found === "string" ? found : undefined;
  } catch {
    return undefined; // a form: not bound, ends with PocketBase's own limits
  }
};
