// The bridge between the pipeline and the admin API's app: an Exchange becomes a Request, a Response an Answer.
// Lets nobody in (identify does) and knows no route.
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import type { Answer } from "../../http/answer.ts";
import { OWN_HEADERS } from "../../http/ownHeaders.ts";
import { refuseUnavailable } from "../../middleware/identify.ts";
import type { Services } from "../../services.ts";
import { readOwnBody } from "../readOwnBody.ts";

const BODY_BYTES_MAX = 65_536;
/** For a whole call; walking a long event log takes seconds. */
const TIMEOUT_MS = 30_000;

/**
 * Answers the exchanges of the kind `control`. Refuses (beside what the routes refuse) `body_too_large` above 64 KiB,
 * `body_too_slow`, and `overloaded` when a call takes longer than 30 s.
 */
export const createControlRoutes = (services: Services): ((exchange: Exchange) => Promise<Answer>) => {
  // Loaded at the first call: most processes never get one, and all of them want to start quickly.
  const load = async () => (await import("./controlApp.ts")).createControlApp(services);
  let loading: ReturnType<typeof load> | undefined;

  return async (exchange) => {
    loading ??= load();
    const app = await loading;
    const body = await readOwnBody(exchange.body, BODY_BYTES_MAX);
    const gone = new AbortController();
    exchange.presence.whenGone = () => gone.abort();
    const request = toRequest(exchange, body, gone.signal);
    try {
      const answering = Promise.resolve(app.fetch(request, { exchange }));
      return await toAnswer(await withDeadline(answering, () => gone.abort()));
    } catch (error) {
      return refuseUnavailable(error);
    } finally {
      exchange.presence.whenGone = undefined;
    }
  };
};

// The host is nobody's: no route looks at it.
const toRequest = (exchange: Exchange, body: Uint8Array | undefined, signal: AbortSignal): Request => {
  const { method, path, query, headers } = exchange;
  const all = new Headers();
  for (let i = 0; i < headers.length; i += 2) all.append(headers[i] ?? "", headers[i + 1] ?? "");
  return new Request(`http://hapta.invalid${path}${query === "" ? "" : `?${query}`}`, {
    // A HEAD is a GET whose body the listener leaves out.
    method: method === "HEAD" ? "GET" : method,
    headers: all,
    signal,
    ...(body === undefined || body.length === 0 ? {} : { body }),
  });
};

const withDeadline = async <T>(work: Promise<T>, giveUp: () => void): Promise<T> => {
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      giveUp();
      reject(new Refusal("overloaded", { retryAfterSeconds: 10 }));
    }, TIMEOUT_MS);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
};

const toAnswer = async (response: Response): Promise<Answer> => {
  const headers = [...response.headers].flat();
  const bytes = new Uint8Array(await response.arrayBuffer());
  const isEmpty = response.status === 204 || response.status === 304;
  return {
    status: response.status,
    headers: [...headers, "Cache-Control", "no-store", ...OWN_HEADERS],
    body: isEmpty ? null : bytes,
  };
};
