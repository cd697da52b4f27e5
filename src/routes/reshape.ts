// The way back: which answers of PocketBase Hapta has something to do with before they leave. None leaves with a token
// that PocketBase would accept.
import type { Exchange } from "../exchange.ts";
import { type Answer, isStreamed } from "../http/answer.ts";
import { gatherAnswer } from "../http/gatherAnswer.ts";
import type { Services } from "../services.ts";
import { headerValue, sessionHeaders } from "../utils/headers.ts";
import { createAuthAnswers } from "./authAnswers.ts";
import { createExchangeTokens } from "./exchangedTokens.ts";
import { noteFailedLogin } from "./failedLogins.ts";
import { mintedFileToken } from "./fileTokens.ts";
import { endedPopup, reissuedMethods } from "./oauthPopup.ts";
import { endOf } from "./sessionEnd.ts";
import { noteSuperuserAction } from "./superuserActions.ts";
import { createUpstreamTruth } from "./upstreamTruth.ts";
import { requirePlain, withheld } from "./withheld.ts";

const JSON_TYPE = /^\s*(?:application|text)\/(?:[\w.-]+\+)?json\b/i;
/** How much of a custom route's JSON is held, and for how long. */
const HELD = { bytesMax: 1_048_576, timeoutMs: 10_000 };

export const createReshape = (
  services: Services,
): ((exchange: Exchange, answer: Answer) => Answer | Promise<Answer>) => {
  const answers = createAuthAnswers(services);
  const truth = createUpstreamTruth(services);
  const exchangeTokens = createExchangeTokens(services);

  const afterAuth = async (exchange: Exchange, answer: Answer): Promise<Answer> => {
    const { operation = "" } = exchange.route;
    if (operation === "oauth2-redirect") return endedPopup(answer);
    if (operation === "auth-refresh") return await answers.refresh(exchange, answer);
    if (answer.status >= 300) {
      noteFailedLogin(services, exchange, answer);
      return answer;
    }
    if (operation === "auth-methods") return await reissuedMethods(services, exchange, answer);
    if (operation === "impersonate" || operation.startsWith("auth-with-"))
      return await answers.open(exchange, answer);
    // A confirmation may change e-mail or password, and with them every token of the record.
    if (operation.startsWith("confirm-")) await truth.afterConfirmation(exchange);
    return answer;
  };

  const afterWrite = async (exchange: Exchange, answer: Answer): Promise<Answer> => {
    if (answer.status < 300) await truth.afterWrite(exchange);
    return await afterOwnCode(exchange, answer);
  };

  // The app's own code may hand out tokens. What is at hand, and JSON up to a bound, is looked into for logins; the
  // rest flows on, and a token in it leaves worthless.
  const afterOwnCode = (exchange: Exchange, answer: Answer): Answer | Promise<Answer> => {
    if (!isStreamed(answer.body)) return exchangeTokens(exchange, answer);
    if (!JSON_TYPE.test(headerValue(answer.headers, "content-type") ?? "")) return flowing(exchange, answer);
    return gatherAnswer(answer, HELD).then((held) => flowing(exchange, held));
  };

  const flowing = async (exchange: Exchange, answer: Answer): Promise<Answer> => {
    const exchanged = await exchangeTokens(exchange, answer);
    return isStreamed(exchanged.body) ? withheld(exchanged) : exchanged;
  };

  const afterFileToken = (exchange: Exchange, answer: Answer): Answer => {
    const isMinted = answer.status < 300 && exchange.route.body !== "drop";
    return isMinted ? mintedFileToken(services, exchange, answer) : withheld(answer);
  };

  const pass = (exchange: Exchange, answer: Answer): Answer | Promise<Answer> => {
    if (exchange.isChecked) return answer;
    const { kind, body, isFile } = exchange.route;
    if (isFile === true) return answer;
    if (kind === "file") return afterFileToken(exchange, answer);
    requirePlain(answer);
    if (kind === "custom") return afterOwnCode(exchange, answer);
    if (kind === "auth") return afterAuth(exchange, answer).then(withheld);
    // Reads change nothing: they leave at once.
    return body === "drop" ? withheld(answer) : afterWrite(exchange, answer);
  };

  return (exchange, answer) => {
    noteSuperuserAction(services, exchange, answer.status);
    const more = moreFields(exchange);
    return pass(exchange, more.length === 0 ? answer : { ...answer, headers: [...answer.headers, ...more] });
  };
};

const NO_FIELDS: readonly string[] = [];

// What an answer says beside itself: how the session ended that its client named, and the nonce to use from now on.
const moreFields = (exchange: Exchange): readonly string[] => {
  const ended = endOf(exchange);
  const { nextNonce } = exchange.proven;
  if (ended === undefined && nextNonce === undefined) return NO_FIELDS;
  const fields = ended === undefined ? [] : [...sessionHeaders(ended)];
  return nextNonce === undefined
    ? fields
    : [...fields, "DPoP-Nonce", nextNonce, "Access-Control-Expose-Headers", "DPoP-Nonce"];
};
