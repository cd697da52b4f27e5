// What the OAuth2 tests share: a certified provider behind PocketBase behind Hapta, and a browser without a window.

import { type RecordingProxy, startRecordingProxy } from "../sessions/recordingProxy.ts";
import { SUPERUSER } from "../support/fixture/load.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, type PocketBaseVersion, startPocketBase } from "../support/pocketbase.ts";
import { CLIENT, type OpenIdProvider, startOpenIdProvider } from "./provider.ts";

export const START_MS = 60_000;
/** Some tests start a stand of their own. */
export const TEST_MS = 60_000;

/** An app's page that is on the list of redirect URLs, and an app's own scheme. */
export const APP_PAGE = "http://app.example:5173/welcome";
export const APP_SCHEME = "myapp://login/done";

/** Everything that takes part, and who signs in next at the provider. */
export interface Stand extends AsyncDisposable {
  readonly pb: PocketBase;
  readonly relay: RecordingProxy;
  readonly hapta: Hapta;
  readonly url: string;
  readonly provider: OpenIdProvider;
  sub: string;
  denies: boolean;
}

/** How a test wants its stand; `providers` are added to the collection `members` beside the certified `oidc`. */
export interface StandOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly providers?: readonly Readonly<Record<string, unknown>>[];
  /** Shows the provider's own forms instead of signing in by itself. */
  readonly showsForms?: boolean;
  readonly version?: PocketBaseVersion;
  readonly collection?: Readonly<Record<string, unknown>>;
}

/** PocketBase's options of a generic OpenID provider that runs at `issuer`. */
export const oidcOptions = (name: string, issuer: string): Record<string, unknown> => ({
  name,
  displayName: `The ${name}`,
  clientId: CLIENT.id,
  clientSecret: CLIENT.secret,
  authURL: `${issuer}/auth`,
  tokenURL: `${issuer}/token`,
  userInfoURL: `${issuer}/me`,
  pkce: true,
  extra: { jwksURL: `${issuer}/jwks`, issuers: [issuer] },
});

const send = async (url: string, method: string, { body, token = "" }: { body: unknown; token?: string }) => {
  const answer = await fetch(url, {
    method,
    headers: { "Content-Type": "application/json", Authorization: token },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, unknown>;
};

/** Changes the collection `members` behind Hapta's back. */
export const patchMembers = async ({ url }: PocketBase, patch: unknown): Promise<void> => {
  const body = { identity: SUPERUSER.email, password: SUPERUSER.password };
  const { token } = await send(`${url}/api/collections/_superusers/auth-with-password`, "POST", { body });
  await send(`${url}/api/collections/members`, "PATCH", { body: patch, token: String(token) });
};

/** Starts all of them. Requests to Hapta that name a client in X-Forwarded-For come from there. */
export const startStand = async (options: StandOptions = {}): Promise<Stand> => {
  const stack = new AsyncDisposableStack();
  try {
    const pb = stack.use(await startPocketBase({ version: options.version ?? "0.39" }));
    const relay = stack.use(await startRecordingProxy(pb.url));
    const hapta = stack.use(
      await startHapta(relay, {
        config: {
          Network: { TrustedProxies: ["127.0.0.1/32"] },
          ...options.config,
        },
        ...(options.env === undefined ? {} : { env: options.env }),
      }),
    );
    const state = { sub: "zoe", denies: false };
    const own = ["/api/oauth2-redirect", "/auth/oauth2/callback"].map((path) => `${hapta.url}${path}`);
    const provider = stack.use(
      await startOpenIdProvider({
        redirectUris: [...own, APP_PAGE, "http://app.example:5173/welcome/"],
        ...(options.showsForms === true ? {} : { sub: () => state.sub }),
        denies: () => state.denies,
      }),
    );
    const providers = [oidcOptions("oidc", provider.url), ...(options.providers ?? [])];
    await patchMembers(pb, { oauth2: { enabled: true, providers }, ...options.collection });
    return Object.assign(state, {
      pb,
      relay,
      hapta,
      url: hapta.url,
      provider,
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    });
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
};

/** One answer a {@link Browser} got. */
export interface Visit {
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** Keeps cookies by host and follows redirects as a browser does, and remembers every byte it saw. */
export class Browser {
  readonly visits: Visit[] = [];
  readonly #jars = new Map<string, Map<string, string>>();
  readonly #address: string;

  /** @param address - What X-Forwarded-For says of it. */
  constructor(address = "203.0.113.20") {
    this.#address = address;
  }

  /** One request, no redirect followed. `form` is posted. */
  async visit(
    url: string,
    { form, headers = {} }: { form?: Record<string, string>; headers?: Record<string, string> } = {},
  ): Promise<Visit> {
    const jar = this.#jarOf(url);
    const answer = await fetch(url, {
      method: form === undefined ? "GET" : "POST",
      redirect: "manual",
      headers: {
        Accept: "text/html,*/*;q=0.8",
        Cookie: [...jar].map((pair) => pair.join("=")).join("; "),
        "User-Agent":
          "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1",
        "X-Forwarded-For": this.#address,
        ...headers,
      },
      ...(form === undefined ? {} : { body: new URLSearchParams(form) }),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const pair = cookie.split(";", 1)[0] ?? "";
      const at = pair.indexOf("=");
      if (/max-age=0/i.test(cookie)) jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), pair.slice(at + 1));
    }
    const visit = { url, status: answer.status, headers: answer.headers, text: await answer.text() };
    this.visits.push(visit);
    return visit;
  }

  /** Visits and follows redirects until one leads to a URL that starts with one of `stops`, or an answer is a page. */
  async follow(url: string, stops: readonly string[]): Promise<string> {
    let next = url;
    for (let hops = 0; hops < 15; hops++) {
      if (stops.some((stop) => next.startsWith(stop))) return next;
      const { status, headers } = await this.visit(next);
      const location = headers.get("location");
      if (status < 300 || status >= 400 || location === null) return next;
      next = new URL(location, next).href;
    }
    throw new Error(`too many redirects at ${next}`);
  }

  /** The cookies a host has set. */
  cookies(url: string): ReadonlyMap<string, string> {
    return this.#jarOf(url);
  }

  #jarOf(url: string): Map<string, string> {
    const { host } = new URL(url);
    const jar = this.#jars.get(host) ?? new Map<string, string>();
    this.#jars.set(host, jar);
    return jar;
  }
}

/** A login method as the SDK reads it. */
export interface Method {
  readonly authURL: string;
  readonly codeVerifier: string;
  readonly codeChallenge: string;
}

/** Asks for the login methods and returns one provider's. */
export const methodOf = async (url: string, provider = "oidc"): Promise<Method> => {
  const answer = await fetch(`${url}/api/collections/members/auth-methods`);
  const { oauth2 } = (await answer.json()) as { oauth2: { providers: (Method & { name: string })[] } };
  const found = oauth2.providers.find(({ name }) => name === provider);
  if (found === undefined) throw new Error(`no provider ${provider}`);
  return found;
};

/** Takes an authorization URL to the provider and back, and returns the parameters of the redirect. */
export const authorize = async (
  authUrl: string,
  redirectUrl: string,
  browser = new Browser(),
): Promise<URLSearchParams> => {
  const end = await browser.follow(`${authUrl}${encodeURIComponent(redirectUrl)}`, [redirectUrl]);
  return new URL(end).searchParams;
};
