// The last look at an answer: PocketBase's tokens that are still in it leave as worthless ones. Opens no session and
// changes no length, so it holds for answers of any kind and size.
import { Refusal } from "../errors.ts";
import { type Answer, type BodySource, isStreamed } from "../http/answer.ts";
import { mayHoldTokens, TOKEN_LENGTH_MIN, TokenFilter, withheldText } from "../utils/upstreamTokens.ts";

/**
 * The answer with every token of PocketBase's made worthless, in headers and body; the same object when it has none
 * and is whole. Streamed bodies are looked through as they flow: nothing waits and nothing is kept.
 */
export const withheld = (answer: Answer): Answer => {
  const headers = withheldFields(answer.headers);
  const body = withheldBody(answer.body);
  return headers === answer.headers && body === answer.body ? answer : { ...answer, headers, body };
};

const withheldFields = (headers: readonly string[]): readonly string[] => {
  let own: string[] | undefined;
  for (let i = 1; i < headers.length; i += 2) {
    const value = headers[i] ?? "";
    const safe = value.length >= TOKEN_LENGTH_MIN ? withheldText(value) : value;
    if (safe === value) continue;
    own ??= [...headers];
    own[i] = safe;
  }
  return own ?? headers;
};

const withheldBody = (body: Answer["body"]): Answer["body"] => {
  if (body === null) return null;
  if (isStreamed(body)) return filtered(body);
  return mayHoldTokens(body) ? new TokenFilter().pass(body) : body;
};

/**
 * Refuses an answer whose body is encoded and so cannot be looked into: it was asked for plain.
 *
 * @throws Refusal `upstream_invalid`
 */
export const requirePlain = ({ headers, body }: Answer): void => {
  if (body === null) return;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? "";
    if (name.length !== CODING.length || name.toLowerCase() !== CODING) continue;
    if (/^(?:identity)?$/i.test(headers[i + 1] ?? "")) continue;
    if (isStreamed(body)) body.cancel();
    throw new Refusal("upstream_invalid");
  }
};

const CODING = "content-encoding";

const filtered = (source: BodySource): BodySource => ({
  start: (sink) => {
    const filter = new TokenFilter();
    source.start({
      data: (chunk) => sink.data(filter.pass(chunk)),
      end: () => sink.end(),
      fail: (error) => sink.fail(error),
    });
  },
  resume: () => source.resume(),
  cancel: () => source.cancel(),
});
