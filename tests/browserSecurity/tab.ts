// A browser tab as a server sees it: keeps the cookies of one host, says which page asks. Runs no script.
import { type Call, call } from "../sessions/support.ts";
import type { WireResponse } from "../support/wireReader.ts";

/** One tab; `page` is the origin of what it shows, Hapta's own unless told. */
export interface TabOptions {
  readonly page?: string;
  readonly headers?: Call["headers"];
}

export class Tab {
  readonly jar = new Map<string, string>();
  /** Where Hapta is; it may move when it starts again. */
  url: string;
  readonly #options: TabOptions;

  constructor(url: string, options: TabOptions = {}) {
    this.url = url;
    this.#options = options;
  }

  /** Sends a request as a page's script does, with the jar's cookies. */
  async send(request: Call): Promise<WireResponse> {
    const { page = this.url, headers = [] } = this.#options;
    const isOwn = page === this.url;
    const all: (readonly [string, string])[] = [
      ["Sec-Fetch-Site", isOwn ? "same-origin" : "cross-site"],
      ...headers,
      ...(request.headers ?? []),
    ];
    const isUnsafe = request.json !== undefined || (request.method ?? "GET") !== "GET";
    if (isUnsafe || !isOwn) all.push(["Origin", page]);
    if (this.jar.size > 0) all.push(["Cookie", [...this.jar].map((pair) => pair.join("=")).join("; ")]);
    const answer = await call(this.url, { ...request, headers: all });
    for (const cookie of setCookiesOf(answer)) this.#keep(cookie);
    return answer;
  }

  #keep(cookie: string): void {
    const [pair = "", ...rules] = cookie.split("; ");
    const equals = pair.indexOf("=");
    const name = pair.slice(0, equals);
    if (rules.includes("Max-Age=0")) this.jar.delete(name);
    else this.jar.set(name, pair.slice(equals + 1));
  }
}

/** Every Set-Cookie value of an answer, in order. */
export const setCookiesOf = ({ headers }: WireResponse): string[] =>
  headers.filter(([name]) => name.toLowerCase() === "set-cookie").map(([, value]) => value);
