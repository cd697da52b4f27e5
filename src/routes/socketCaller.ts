// Who a WebSocket client is, and what it may: each frame walks the stages that a request of the same meaning would.
import { Refusal } from "../errors.ts";
import type { Exchange, Principal, Proven } from "../exchange.ts";
import type { AgainStages } from "../pipeline.ts";
import { type Route, toRoute } from "../pocketbase/routes.ts";
import type { ChannelPlace } from "../realtime/channelRules.ts";
import type { SinceOf } from "../realtime/recovery.ts";
import type { SocketCalls } from "../realtime/socketClient.ts";
import type { Subject } from "../realtime/subject.ts";
import type { Subscriber } from "../realtime/subscriber.ts";
import { checkTopics } from "../realtime/topicHeaders.ts";
import { LOGIN_TOPIC } from "../realtime/topics.ts";
import type { Wish } from "../realtime/wish.ts";
import type { Services } from "../services.ts";
import { didCookieName, readDid } from "../sessions/device.ts";
import { isInertToken } from "../sessions/inertToken.ts";
import { headerValue } from "../utils/headers.ts";
import { tokenTextOf } from "../utils/jwt.ts";
import { checkSubscription, subjectOf, subscribe } from "./subscribing.ts";

const PATH = "/api/realtime";
/** What a frame that asks for something is to the limits. */
const POST: Route = toRoute("POST", ["api", "realtime"]);
const NOBODY: Principal = { kind: "guest" };
const NOTHING: Proven = {};

/** What is kept of the request that opened the connection. Little: there are many connections. */
type Opening = Pick<Exchange, "host" | "client" | "page" | "proven" | "cookie"> & {
  readonly userAgent: string | undefined;
};

/** What is the same of all requests that open one, once they were answered. */
const UPGRADE: Omit<
  Exchange,
  keyof Opening | "id" | "headers" | "startedMs" | "authorizations" | "principal" | "presence"
> = {
  method: "GET",
  path: "/ws/realtime",
  query: "",
  route: toRoute("GET", ["ws", "realtime"]),
  isSigned: false,
  body: { kind: "none" },
  socketKey: undefined,
  acceptEncoding: undefined,
  wantsCookie: false,
  cookieToken: undefined,
  setCookies: undefined,
  credential: undefined,
  limitLines: undefined,
  loginTry: undefined,
  cacheStatus: undefined,
  isChecked: false,
  alike: undefined,
  whenDone: undefined,
};

export class SocketCaller implements SocketCalls {
  readonly #services: Services;
  readonly #stages: AgainStages;
  readonly #opening: Opening;
  /** Its principal came in a cookie: no script has the token. */
  readonly #isByCookie: boolean;
  #principal: Principal;
  /** Of an adopted token; a session's is asked for when it is needed, because it changes. */
  #adopted: string | undefined;

  constructor(services: Services, stages: AgainStages, exchange: Exchange) {
    this.#services = services;
    this.#stages = stages;
    this.#opening = openingOf(exchange);
    this.#isByCookie = exchange.cookieToken !== undefined;
    this.#principal = exchange.principal;
    this.#adopted = adoptedBy(exchange);
  }

  get address(): string {
    return this.#opening.client.address;
  }

  /** Makes a client its own whom the opening request said. */
  enter(client: Subscriber): void {
    if (this.#principal.kind === "guest") return;
    // If its session ended this moment, the client stays nobody's, and hears nothing.
    void this.#enter(client).catch(() => undefined);
  }

  async authenticate(
    client: Subscriber,
    token: string,
    proof: string | undefined,
  ): Promise<readonly string[]> {
    this.#meter(this.#principal, client, []);
    if (this.#isByCookie && isInertToken(tokenTextOf(token)) && this.#principal.kind !== "guest")
      return this.#topicsOf(client);
    const shown = token === "" ? this.#ask(NOBODY) : await this.#identify(token, proof);
    const topics = this.#topicsOf(client);
    this.#meter(shown.principal, client, topics);
    const next = subjectOf(shown);
    // Nothing of what the one may hear reaches the other.
    if (client.subject !== undefined && client.subject.key !== next.key) {
      this.#services.channels.leaveAll(client);
      this.#services.hub.reset(client);
      this.#principal = NOBODY;
    }
    await this.#subscribe(client, { subject: next, topics });
    this.#principal = shown.principal;
    this.#adopted = adoptedBy(shown);
    return topics;
  }

  async change(client: Subscriber, change: Parameters<SocketCalls["change"]>[1]): Promise<readonly string[]> {
    const asked = "added" in change ? change.added : change.removed;
    this.#meter(this.#principal, client, asked);
    const before = this.#topicsOf(client);
    if ("removed" in change) {
      const removed = new Set(change.removed);
      const rest = before.filter((topic) => !removed.has(topic));
      await this.#subscribe(client, { subject: this.#subject(), topics: rest });
      return rest;
    }
    checkTopics(change.added);
    const added = readTopics(client, change.added);
    const all = readTopics(client, [...before, ...added]);
    const known = new Set(before);
    const sinceOf: SinceOf = (topic) => (known.has(topic) ? undefined : change.since.get(topic));
    await this.#subscribe(client, { subject: this.#subject(), topics: all, sinceOf });
    return all;
  }

  charge(client: Subscriber): void {
    this.#meter(this.#principal, client, []);
  }

  async stay(client: Subscriber): Promise<void> {
    this.charge(client);
    if (client.turn === 0) await this.#enter(client);
  }

  mayEnter({ rule: { access }, recordPath }: ChannelPlace): Promise<boolean | undefined> | boolean {
    if (access.kind === "public") return true;
    const { credential, session } = this.#subject();
    // An adopted token is only a claim; PocketBase says what it may see, and nobody whether it counts.
    if (recordPath === undefined) return session !== undefined;
    return this.#services.memberCalls.maySee(credential ?? "", `${recordPath}?fields=id`, this.address);
  }

  user(): ReturnType<SocketCalls["user"]> {
    const session = this.#principal.kind === "record" ? this.#principal.session : undefined;
    return session === undefined ? undefined : { collectionId: session.cid, id: session.uid };
  }

  failed(error: unknown): void {
    const stack = error instanceof Error ? error.stack : undefined;
    this.#services.log("error", "a frame failed unexpectedly", { error: String(error), stack });
  }

  async #enter(client: Subscriber): Promise<void> {
    await this.#subscribe(client, { subject: this.#subject(), topics: [] });
  }

  #topicsOf({ id, topics }: Subscriber): readonly string[] {
    return this.#services.hub.logins.find(id) === undefined ? topics : [...topics, LOGIN_TOPIC];
  }

  async #subscribe(
    client: Subscriber,
    { subject, topics, sinceOf }: Pick<Wish, "subject" | "topics" | "sinceOf">,
  ): Promise<void> {
    const { address } = this;
    await subscribe(this.#services.hub, { clientId: client.id, topics, subject, address, sinceOf });
  }

  // As in HTTP: a token that counts for nothing is nobody's, and who shows one wants to be somebody.
  async #identify(token: string, proof: string | undefined): Promise<Exchange> {
    const asked = this.#ask(NOBODY, { authorizations: [token], proof });
    await this.#stages.identify(asked);
    if (asked.principal.kind === "guest") throw new Refusal("session_required");
    return asked;
  }

  #subject(): Subject {
    const principal = this.#principal;
    const session = principal.kind === "guest" ? undefined : principal.session;
    const credential = session === undefined ? this.#adopted : this.#services.sessions.upstreamToken(session);
    // It ended this moment; the hub is about to say so.
    if (session !== undefined && credential === undefined) throw new Refusal("session_required");
    return subjectOf({ principal, credential, client: this.#opening.client });
  }

  /** @throws Refusal, as `meter` does for a POST of the same topics */
  #meter(principal: Principal, client: Subscriber, topics: readonly string[]): void {
    const bytes = Buffer.from(JSON.stringify({ clientId: client.id, subscriptions: topics }));
    const asked = { ...this.#ask(principal), method: "POST", path: PATH, route: POST } as const;
    const metered: Exchange = {
      ...asked,
      headers: [...asked.headers, "Content-Type", "application/json"],
      body: { kind: "bytes", bytes },
    };
    void this.#stages.meter(metered);
    metered.presence.whenOver?.();
  }

  #ask(principal: Principal, shown?: { authorizations: string[]; proof: string | undefined }): Exchange {
    const { userAgent, ...opening } = this.#opening;
    const headers = userAgent === undefined ? [] : ["User-Agent", userAgent];
    if (shown?.proof !== undefined) headers.push("DPoP", shown.proof);
    return {
      ...UPGRADE,
      ...opening,
      // A frame is a request of its own in the log of security events.
      id: crypto.randomUUID(),
      headers,
      startedMs: performance.now(),
      authorizations: shown?.authorizations ?? [],
      principal,
      presence: { isGone: false, whenGone: undefined, whenOver: undefined },
    };
  }
}

const readTopics = ({ id }: Subscriber, topics: readonly string[]): readonly string[] => {
  const members = new Map<string, unknown>([
    ["clientid", id],
    ["subscriptions", topics],
  ]);
  return checkSubscription(members, false).topics;
};

const adoptedBy = ({ principal, credential }: Exchange): string | undefined =>
  principal.kind === "record" && principal.session === undefined ? credential : undefined;

// A key is proven for one token: the next one comes with a proof of its own. An app signs for the whole connection. The
// session's own cookie has said what it had to say.
const openingOf = ({ host, client, page, proven, cookie, headers }: Exchange): Opening => {
  const did = cookie === undefined ? undefined : readDid(cookie, client.isSecure);
  const { appId, isConfidential } = proven;
  return {
    host,
    client,
    page,
    proven: appId === undefined ? NOTHING : { appId, isConfidential: isConfidential === true },
    userAgent: headerValue(headers, "user-agent"),
    cookie: did === undefined ? undefined : `${didCookieName(client.isSecure)}=${did}`,
  };
};
