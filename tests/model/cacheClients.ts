// The callers of the cache's model suite: each asks PocketBase and Hapta, with the token each of them gave out.
import { SUPERUSER } from "../support/fixture/load.ts";
import { emailOf, PASSWORD } from "./cacheWorld.ts";

/** A caller of the model: a guest, the superuser, or the id of a person. */
export type Caller = "guest" | "superuser" | (string & {});

/** A read of the small space: where, by whom, and whether with the header that a rule asks for. */
export interface Probe {
  readonly path: string;
  readonly caller: Caller;
  readonly isKeyed: boolean;
}

/** An answer as the model compares it. */
export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly cacheStatus: string;
}

const ask = async (url: string, init: RequestInit): Promise<Answered> => {
  const response = await fetch(url, init);
  return {
    status: response.status,
    text: await response.text(),
    cacheStatus: response.headers.get("cache-status") ?? "",
  };
};

/** One server and the tokens it gave to each caller. */
export class Side {
  readonly url: string;
  readonly #tokens = new Map<Caller, string>();
  #sent = 0;

  constructor(url: string) {
    this.url = url;
  }

  /** Logs a caller in; a person that is not there stays without a token. */
  async login(caller: Caller): Promise<void> {
    const isSuperuser = caller === "superuser";
    const { status, text } = await this.send(
      `POST collections/${isSuperuser ? "_superusers" : "people"}/auth-with-password`,
      isSuperuser
        ? { identity: SUPERUSER.email, password: SUPERUSER.password }
        : { identity: emailOf(caller), password: PASSWORD },
      "guest",
    );
    if (status !== 200) {
      this.#tokens.delete(caller);
      return;
    }
    this.#tokens.set(caller, String((JSON.parse(text) as { token: string }).token));
  }

  /** Reads what is behind `/api/collections/`. */
  read({ path, caller, isKeyed }: Probe): Promise<Answered> {
    const headers = { ...this.#headers(caller), ...(isKeyed ? { "X-Key": "k" } : {}) };
    return ask(`${this.url}/api/collections/${path}`, { headers });
  }

  /** Sends JSON; `line` is such as `PATCH collections/docs/records/ID`. */
  send(line: string, body: unknown, caller: Caller): Promise<Answered> {
    const [method = "", path = ""] = line.split(" ");
    return ask(`${this.url}/api/${path}`, {
      method,
      headers: { ...this.#headers(caller), "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  // Each time from elsewhere: PocketBase delays an address that finds nothing again and again.
  #headers(caller: Caller): Record<string, string> {
    const token = this.#tokens.get(caller);
    this.#sent += 1;
    const address = { "X-Forwarded-For": `10.1.${(this.#sent >> 8) & 255}.${this.#sent & 255}` };
    return token === undefined ? address : { ...address, Authorization: token };
  }
}
