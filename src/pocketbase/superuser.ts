// Hapta's own superuser session with PocketBase, for the control plane: boot checks, seeding, settings.
// Nothing that comes from a visitor's request may reach it: it bypasses every API rule.
import type { Secret } from "../utils/secret.ts";
import { SuperuserError } from "./superuserError.ts";
import { createUpstreamFetch, type UpstreamFetch } from "./upstreamFetch.ts";

/** How to reach PocketBase as superuser. */
export type SuperuserOptions = {
  /** Base address without a trailing slash, such as `http://127.0.0.1:8090`. */
  readonly url: string;
  readonly email: string;
  readonly password: Secret;
  /** For a guard hook of PocketBase's. */
  readonly guard?: Secret | undefined;
  /** For one call, login included; 10 s when absent. */
  readonly deadlineMs?: number;
  /** Largest answer that is read; 16 MiB when absent. */
  readonly answerBytesMax?: number;
};

/** What PocketBase said. `json` is undefined for an empty body and for one that is not JSON. */
export type SuperuserAnswer = { readonly status: number; readonly json: unknown; readonly headers: Headers };

/** One call. `body` is sent as JSON, but for FormData, which is sent as multipart. */
export type SuperuserCall = {
  readonly method: string;
  /** Path with query, starting with `/`. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Log in anew and repeat the call when the answer is 401 or 403; true when absent. */
  readonly renew?: boolean;
  /** For this call, login included; the client's own deadline when absent. */
  readonly deadlineMs?: number;
};

type Token = { readonly text: string; readonly renewMs: number };

const DEADLINE_MS = 10_000;
const ANSWER_BYTES_MAX = 16 * 1024 * 1024;
// A call made with a token that expires under way would be answered as a guest's, so renew early.
const RENEW_BEFORE_MS = 60_000;

/** A superuser session: logs in when first needed, keeps its token, renews it. Safe for concurrent calls. */
export class SuperuserClient {
  /** `fetch` to this PocketBase without the superuser's token. */
  readonly fetch: UpstreamFetch;
  readonly #options: SuperuserOptions;
  #token: Token | undefined;
  #login: Promise<Token> | undefined;
  #refusals = 0;

  constructor(options: SuperuserOptions) {
    this.#options = options;
    this.fetch = createUpstreamFetch(options.url, options.guard);
  }

  /** Base address of the PocketBase this client speaks to. */
  get url(): string {
    return this.#options.url;
  }

  /** For a guard hook of PocketBase's. */
  get guard(): Secret | undefined {
    return this.#options.guard;
  }

  /**
   * How often a token was given up because PocketBase refused it; a renewal before expiry does not count.
   * Who keeps a connection that was authorised once can tell by it that PocketBase may see a guest there now.
   */
  get refusals(): number {
    return this.#refusals;
  }

  /**
   * Asks PocketBase as superuser.
   *
   * @param path - Path with query, starting with `/`.
   * @returns Any answer, whatever its status. @throws SuperuserError when there is none.
   */
  request(method: string, path: string, body?: unknown): Promise<SuperuserAnswer> {
    return this.call({ method, path, body });
  }

  /** As `request`, with headers of one's own and a say in whether a refusal renews the login. */
  async call(call: SuperuserCall): Promise<SuperuserAnswer> {
    const signal = AbortSignal.timeout(call.deadlineMs ?? this.#options.deadlineMs ?? DEADLINE_MS);
    const token = await this.#currentToken(signal);
    const answer = await this.#send(call, signal, token.text);
    // PocketBase treats a token it does not know as a guest's: 401 on its own routes, 403 on records.
    const refused = answer.status === 401 || answer.status === 403;
    if (!refused || call.renew === false) return answer;
    if (this.#token === token) {
      this.#token = undefined;
      this.#refusals += 1;
    }
    const renewed = await this.#currentToken(signal);
    return this.#send(call, signal, renewed.text);
  }

  /** Logs in anew, so that wrong credentials show. @throws SuperuserError. */
  async login(): Promise<void> {
    this.#token = undefined;
    await this.#currentToken(AbortSignal.timeout(this.#options.deadlineMs ?? DEADLINE_MS));
  }

  /** Whether `Authorization: bearer <token>` counts, as it does since PocketBase 0.36.4. @throws SuperuserError. */
  async acceptsLowerCaseBearer(): Promise<boolean> {
    const signal = AbortSignal.timeout(this.#options.deadlineMs ?? DEADLINE_MS);
    const token = await this.#currentToken(signal);
    const answer = await this.#send({ method: "GET", path: "/api/settings" }, signal, `bearer ${token.text}`);
    return answer.status === 200;
  }

  /** Asks PocketBase as a guest, within the same bounds. @throws SuperuserError. */
  askAsGuest(path: string): Promise<SuperuserAnswer> {
    const signal = AbortSignal.timeout(this.#options.deadlineMs ?? DEADLINE_MS);
    return this.#send({ method: "GET", path }, signal);
  }

  async #currentToken(signal: AbortSignal): Promise<Token> {
    const token = this.#token;
    if (token !== undefined && Date.now() < token.renewMs) return token;
    // One login serves everybody who waits: PocketBase's default limiter allows two in three seconds.
    this.#login ??= this.#logIn(signal).finally(() => {
      this.#login = undefined;
    });
    this.#token = await this.#login;
    return this.#token;
  }

  async #logIn(signal: AbortSignal): Promise<Token> {
    const { email, password } = this.#options;
    const body = { identity: email, password: password.reveal() };
    const path = "/api/collections/_superusers/auth-with-password";
    const answer = await this.#send({ method: "POST", path, body }, signal);
    const text = answer.status === 200 ? field(answer.json, "token") : undefined;
    if (typeof text === "string") return { text, renewMs: renewalMs(text) };
    throw refusedLogin(answer, this.#options.url);
  }

  async #send(call: SuperuserCall, signal: AbortSignal, token?: string): Promise<SuperuserAnswer> {
    const headers = new Headers(call.headers ?? {});
    if (token !== undefined) headers.set("authorization", token);
    const init: RequestInit = { method: call.method, headers, signal, redirect: "manual" };
    if (call.body instanceof FormData) init.body = call.body;
    else if (call.body !== undefined) {
      headers.set("content-type", "application/json");
      init.body = JSON.stringify(call.body);
    }
    try {
      const response = await this.fetch(call.path, init);
      const text = await readBounded(response, this.#options.answerBytesMax ?? ANSWER_BYTES_MAX);
      return { status: response.status, json: parseOrUndefined(text), headers: response.headers };
    } catch (error) {
      if (error instanceof SuperuserError) throw error;
      const reason = signal.aborted ? "did not answer in time" : "cannot be reached";
      throw new SuperuserError("unreachable", `PocketBase at ${this.#options.url} ${reason}.`, {
        cause: error,
      });
    }
  }
}

/** A member of a JSON object, or undefined. Never throws. */
export function field(json: unknown, name: string): unknown {
  if (typeof json !== "object" || json === null) return undefined;
  return Object.hasOwn(json, name) ? (json as Readonly<Record<string, unknown>>)[name] : undefined;
}

function refusedLogin(answer: SuperuserAnswer, url: string): SuperuserError {
  const { status } = answer;
  if (typeof field(answer.json, "message") !== "string" && field(answer.json, "mfaId") === undefined) {
    return new SuperuserError(
      "notPocketBase",
      `${url} answered the superuser login with an unexpected ${status}.`,
    );
  }
  if (status === 429) return new SuperuserError("limited", `PocketBase at ${url} limits logins just now.`);
  if (status === 401) {
    return new SuperuserError("secondFactor", "The superuser account asks for a second factor.");
  }
  if (status === 403) {
    return new SuperuserError(
      "lockedOut",
      `PocketBase at ${url} refuses superusers from this machine's address.`,
    );
  }
  if (status === 404) {
    return new SuperuserError(
      "notPocketBase",
      `${url} knows no _superusers; PocketBase before 0.23 answers so.`,
    );
  }
  if (status >= 500) return new SuperuserError("unreachable", `PocketBase at ${url} answered ${status}.`);
  return new SuperuserError(
    "credentials",
    `PocketBase at ${url} does not accept this superuser e-mail and password.`,
  );
}

async function readBounded(response: Response, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > bytesMax) {
      throw new SuperuserError("oversized", `PocketBase answered with more than ${bytesMax} bytes.`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length).toString("utf8");
}

function parseOrUndefined(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    // A body that is not JSON has nothing to say to this client; the status has.
    return undefined;
  }
}

// The signature is PocketBase's business; only `exp` (Unix seconds) is wanted. A token of a short life is not
// renewed at every call.
function renewalMs(token: string): number {
  const payload = parseOrUndefined(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8"));
  const exp = field(payload, "exp");
  if (typeof exp !== "number") return Date.now() + RENEW_BEFORE_MS;
  const lifeMs = exp * 1000 - Date.now();
  return exp * 1000 - Math.min(RENEW_BEFORE_MS, lifeMs / 4);
}
