// The way back: which answers of PocketBase Hapta has something to do with before they leave.
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";
import { createAuthAnswers } from "./authAnswers.ts";
import { decompressed } from "./decompressed.ts";
import { mintedFileToken } from "./fileTokens.ts";
import { gatherAnswer } from "./gatherAnswer.ts";
import { followRealtime } from "./realtime.ts";
import { createUpstreamTruth } from "./upstreamTruth.ts";

const TOKEN_MEMBER = Buffer.from('"token"');
const JSON_TYPE = /^\s*application\/(?:[\w.-]+\+)?json\b/i;
/** How much of a custom route's JSON is held, and for how long. */
const HELD = { bytesMax: 1_048_576, timeoutMs: 10_000 };

export const createReshape = (
  services: Services,
): ((exchange: Exchange, answer: Answer) => Answer | Promise<Answer>) => {
  const answers = createAuthAnswers(services);
  const truth = createUpstreamTruth(services);

  const afterAuth = async (exchange: Exchange, answer: Answer): Promise<Answer> => {
    const { operation = "" } = exchange.route;
    if (operation === "auth-refresh") return await answers.refresh(exchange, answer);
    if (answer.status >= 300) return answer;
    if (operation === "impersonate" || operation.startsWith("auth-with-"))
      return await answers.open(exchange, answer);
    // A confirmation may change e-mail or password, and with them every token of the record.
    if (operation.startsWith("confirm-")) await truth.afterConfirmation(exchange);
    return answer;
  };

  const afterWrite = async (exchange: Exchange, answer: Answer): Promise<Answer> => {
    if (answer.status < 300) await truth.afterWrite(exchange);
    return answer;
  };

  // The app's own login routes. JSON is held until it is whole; what is whole is looked into whatever it calls itself.
  const afterCustom = (exchange: Exchange, answer: Answer): Answer | Promise<Answer> => {
    const { body, status, headers } = answer;
    if (status >= 300 || body === null) return answer;
    if (isStreamed(body) && !JSON_TYPE.test(headerValue(headers, "content-type") ?? "")) return answer;
    if (isStreamed(body)) return gatherAnswer(answer, HELD).then((whole) => openIfLogin(exchange, whole));
    return openIfLogin(exchange, answer);
  };

  const openIfLogin = (exchange: Exchange, answer: Answer): Answer | Promise<Answer> => {
    const plain = decompressed(answer);
    const { body } = plain;
    const isLogin = body instanceof Uint8Array && Buffer.from(body).includes(TOKEN_MEMBER);
    return isLogin ? answers.open(exchange, plain, answer) : answer;
  };

  const pass = (exchange: Exchange, answer: Answer): Answer | Promise<Answer> => {
    const { kind, body } = exchange.route;
    if (kind === "custom") return afterCustom(exchange, answer);
    if (kind === "realtime") return followRealtime(services.streams, exchange, answer);
    // Reads change nothing: they leave as they came, at once.
    if (body === "drop") return answer;
    if (kind === "auth") return afterAuth(exchange, answer);
    if (kind === "file") return answer.status < 300 ? mintedFileToken(services, exchange, answer) : answer;
    return afterWrite(exchange, answer);
  };

  return (exchange, answer) => {
    const ended = exchange.principal.kind === "guest" ? exchange.principal.ended : undefined;
    // Lets an app tell "signed out" from "never signed in" without a second request.
    if (ended === "revoked" || ended === "expired") answer.headers.push("X-Hapta-Session", ended);
    return pass(exchange, answer);
  };
};
