// The way back: which answers of PocketBase Hapta has something to do with before they leave.
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import type { Services } from "../services.ts";
import { createAuthAnswers } from "./authAnswers.ts";
import { mintedFileToken } from "./fileTokens.ts";
import { followRealtime } from "./realtime.ts";
import { createUpstreamTruth } from "./upstreamTruth.ts";

const ISSUED_TOKEN = Buffer.from('"token":"eyJ');

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

  // The app's own login routes; only bodies that came whole are looked into.
  const afterCustom = (exchange: Exchange, answer: Answer): Answer | Promise<Answer> => {
    const { body, status } = answer;
    const isLogin = status < 300 && body instanceof Uint8Array && Buffer.from(body).includes(ISSUED_TOKEN);
    return isLogin ? answers.open(exchange, answer) : answer;
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
