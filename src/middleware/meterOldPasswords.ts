// Old passwords under the login shield: who changes an account says its old password with the new one, and whoever stole a
// session may guess it so. A helper of the stage `meter`.
import { batchItemsOf } from "../batch/batchItems.ts";
import { watchedBody } from "../bodies/watchedBody.ts";
import type { Refusal } from "../errors.ts";
import type { Exchange, PendingLogin } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { gatherAnswer } from "../http/gatherAnswer.ts";
import type { Attempt, Begun } from "../limits/shield.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";

const RECORD = /^\/api\/collections\/([^/?]+)\/records(?:\/([^/?]+))?(?:\?|$)/;
const MEMBER = "oldpassword";
/** The member's name, or what may spell it otherwise: an escape in JSON, and in a form's URL encoding. */
const IN_TEXT = /oldpassword|\\u/i;
const IN_FORM = /oldpassword|\\u|%/i;
const FORM = "application/x-www-form-urlencoded";
/** PocketBase's word on the member. */
const WRONG = /"oldPassword":\s*\{/;
const HELD = { bytesMax: 65_536, timeoutMs: 10_000 };

/** Makes the refusal of a try that has to wait. */
type Delayed = (
  services: Services,
  exchange: Exchange,
  begun: Extract<Begun, { readonly ok: false }>,
) => Refusal;

/** Makes the watch. It sets the exchange's `loginTry`, and breaks the body off that says one old password too many. */
export const createWatchOldPasswords = (
  services: Services,
  delayed: Delayed,
): ((exchange: Exchange) => void) => {
  const { collections, limits } = services;

  /** The account that a change names; undefined for any other record. */
  const accountOf = (url: string, bodyId?: unknown): string | undefined => {
    const [, segment = "", recordId = bodyId] = RECORD.exec(url) ?? [];
    const collection = collections.find(segment);
    if (collection?.type !== "auth" || typeof recordId !== "string") return undefined;
    return limits.identityOf(collection.id, recordId);
  };

  const accountsIn = (payload: Uint8Array): string[] =>
    batchItemsOf(payload).flatMap(({ method, url, body }) => {
      const isMeant = method !== "DELETE" && Object.keys(body).some((name) => name.toLowerCase() === MEMBER);
      return (isMeant ? accountOf(url, body["id"]) : undefined) ?? [];
    });

  return (exchange) => {
    const { method, batchPayload, path } = exchange;
    // Nobody asks superusers for it.
    if (exchange.principal.kind === "superuser") return;
    if (batchPayload !== undefined) {
      const accounts = accountsIn(batchPayload);
      if (accounts.length > 0) new Guess(exchange, services, delayed).begin(accounts);
      return;
    }
    const account = method === "PATCH" ? accountOf(path) : undefined;
    if (account === undefined) return;
    const guess = new Guess(exchange, services, delayed);
    watch(exchange, () => guess.begin([account]));
  };
};

/** Calls back before the name of the member, or what may be it, goes on to PocketBase. What it throws ends the body. */
const watch = (exchange: Exchange, onNamed: () => void): void => {
  const { body, headers, query } = exchange;
  const isForm = headerValue(headers, "content-type")?.startsWith(FORM) === true;
  const mark = isForm ? IN_FORM : IN_TEXT;
  // PocketBase takes parameters of the query for fields of a form.
  if (IN_FORM.test(query)) onNamed();
  else if (body.kind === "bytes") mark.test(Buffer.from(body.bytes).toString("latin1")) && onNamed();
  else if (body.kind === "stream")
    exchange.body = { ...body, source: watchedBody(body.source, { mark, onFound: onNamed }) };
};

/** The guesses of one exchange, counted as wrong until the answer says otherwise. */
class Guess implements PendingLogin {
  readonly #exchange: Exchange;
  readonly #services: Services;
  readonly #delayed: Delayed;
  readonly #attempts: Attempt[] = [];
  #refusal: Refusal | undefined;

  constructor(exchange: Exchange, services: Services, delayed: Delayed) {
    this.#exchange = exchange;
    this.#services = services;
    this.#delayed = delayed;
    exchange.loginTry = this;
  }

  /** @throws Refusal `login_delayed` */
  begin(accounts: readonly string[]): void {
    const { client, principal } = this.#exchange;
    const session = principal.kind === "guest" ? undefined : principal.session;
    const asker = { address: client.address, devices: [session?.id ?? client.address] };
    for (const identity of new Set(accounts)) {
      const begun = this.#services.limits.shield.begin({ kind: "change", identity, ...asker });
      if (begun.ok) this.#attempts.push(begun.attempt);
      else {
        this.#refusal = this.#delayed(this.#services, this.#exchange, begun);
        throw this.#refusal;
      }
    }
  }

  async answered(answer: Answer): Promise<Answer> {
    if (this.#attempts.length === 0 || answer.status !== 400) {
      this.#end("neither");
      return answer;
    }
    const held = await gatherAnswer(answer, HELD);
    const isRight = held.body instanceof Uint8Array && !WRONG.test(Buffer.from(held.body).toString("utf8"));
    this.#end(isRight ? "neither" : "failed");
    return held;
  }

  refused(): Refusal | undefined {
    // Who leaves before the answer may have had it judged all the same.
    if (!this.#exchange.presence.isGone) this.#end("neither");
    return this.#refusal;
  }

  #end(outcome: "failed" | "neither"): void {
    for (const attempt of this.#attempts.splice(0)) this.#services.limits.shield.end(attempt, outcome);
  }
}
