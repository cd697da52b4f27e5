// The social workload: 50,000 requests of 1,000 people through Hapta. Counts what reaches PocketBase, and holds every answer to
// what was acknowledged before it was asked for.

import { startHapta } from "../../tests/support/hapta.ts";
import { type GoalRow, toRow } from "../support/goals.ts";
import { ask, type BenchUpstream, loginSuperuser } from "../support/upstream.ts";
import { Acknowledged } from "./acknowledged.ts";
import { startCountingRelay } from "./countingRelay.ts";
import { checkRead, type ListAnswer } from "./socialChecks.ts";
import { drawSteps, REQUESTS, type ReadKind, type Step } from "./socialPlan.ts";
import { loadSocial, noticeOf, PEOPLE, POSTS, personId, postId, profileId } from "./socialWorld.ts";
import { GENEROUS } from "./targets.ts";

const CLIENTS = 16;
/** What records were is not told apart so soon after a start. */
const STARTED_MS = 6_000;

/** What became of the reads of one kind. */
export interface KindRun {
  readonly kind: ReadKind;
  readonly reads: number;
  readonly hits: number;
  /** Asked for by somebody for the first time. */
  readonly cold: number;
  /** Asked for again, because something had moved. */
  readonly again: number;
  /** Waited for somebody else's question, or not kept at all. */
  readonly others: number;
}

export interface SocialRun {
  readonly seconds: number;
  readonly writes: number;
  readonly writesRefused: number;
  /** Reads of records that reached PocketBase. */
  readonly reached: number;
  readonly violations: readonly string[];
  readonly kinds: readonly KindRun[];
  readonly precision: Precision;
}

/** Answers that were fetched anew because something had moved, and those of them that came back the same. */
interface Precision {
  readonly renewed: number;
  readonly needless: number;
}

/** Runs it once. */
export const measureSocial = async (upstream: BenchUpstream): Promise<SocialRun> => {
  await loadSocial(upstream.url);
  await using relay = await startCountingRelay(upstream.url);
  await using hapta = await startHapta(relay, { config: { ratelimit: GENEROUS, Cache: { VerifyRate: 0 } } });
  const superuser = await loginSuperuser(hapta.url);
  const tokens = await impersonate(hapta.url, superuser);
  await Bun.sleep(STARTED_MS);
  const before = await relay.countReads();
  const run = new Run(hapta.url, tokens);
  const startedMs = performance.now();
  await run.all(drawSteps());
  const seconds = (performance.now() - startedMs) / 1000;
  const { renewed, needless } = await ask(hapta.url, "GET /hapta/cache", { token: superuser });
  const precision = { renewed: Number(renewed), needless: Number(needless) };
  return { seconds, precision, reached: (await relay.countReads()) - before, ...run.result() };
};

/** A session for everybody, without a password. */
const impersonate = async (url: string, token: string): Promise<readonly string[]> => {
  const tokens: string[] = [];
  for (let n = 0; n < PEOPLE; n++) {
    const path = `/api/collections/people/impersonate/${personId(n)}`;
    const answer = await ask(url, `POST ${path}`, { token, body: { duration: 3_600 } });
    tokens.push(String(answer["token"]));
  }
  return tokens;
};

class Run {
  readonly #url: string;
  readonly #tokens: readonly string[];
  readonly #acknowledged = new Acknowledged();
  readonly #kinds = new Map<
    ReadKind,
    { reads: number; hits: number; cold: number; again: number; others: number }
  >();
  readonly #seen = new Set<string>();
  readonly #violations: string[] = [];
  /** What is being changed: two changes of one record at a time would have no order. */
  readonly #busy = new Set<string>();
  readonly #revisions = new Map<string, number>();
  #posts = POSTS;
  #writes = 0;
  #refused = 0;

  constructor(url: string, tokens: readonly string[]) {
    this.#url = url;
    this.#tokens = tokens;
  }

  /** Takes the steps in their order, so many at a time. */
  async all(steps: readonly Step[]): Promise<void> {
    let next = 0;
    const client = async (): Promise<void> => {
      for (let step = steps[next++]; step !== undefined; step = steps[next++])
        await (step.isWrite ? this.#write(step) : this.#read(step, step.kind as ReadKind));
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
  }

  result() {
    const kinds = [...this.#kinds].map(([kind, counts]) => ({ kind, ...counts }));
    return { writes: this.#writes, writesRefused: this.#refused, violations: this.#violations, kinds };
  }

  async #read(step: Step, kind: ReadKind): Promise<void> {
    const path = pathOf(step, kind);
    const atMs = performance.now();
    const response = await this.#send(`GET ${path}`, step);
    const answer = (await response.json()) as ListAnswer;
    this.#count(kind, `${path} ${kind === "own notices" ? step.person : ""}`, response);
    const problem =
      response.status === 200
        ? checkRead({ step, kind, answer, atMs }, this.#acknowledged)
        : `status ${response.status}`;
    if (problem !== undefined) this.#violations.push(`${kind} ${path} of ${step.person}: ${problem}`);
  }

  #count(kind: ReadKind, read: string, { headers }: Response): void {
    const counts = this.#kinds.get(kind) ?? { reads: 0, hits: 0, cold: 0, again: 0, others: 0 };
    this.#kinds.set(kind, counts);
    counts.reads += 1;
    const status = headers.get("cache-status") ?? "";
    if (status.includes("hit")) counts.hits += 1;
    else if (!status.includes("fwd=miss") || status.includes("collapsed")) counts.others += 1;
    else counts[this.#seen.has(read) ? "again" : "cold"] += 1;
    this.#seen.add(read);
  }

  async #write(step: Step): Promise<void> {
    const { person, post } = step;
    this.#writes += 1;
    switch (step.kind) {
      case "comment":
        return this.#create(step, "comments", {
          name: `comments ${post}`,
          body: { text: "Some words", post: postId(post), author: profileId(person) },
        });
      case "new post": {
        const n = this.#posts++;
        const body = { id: postId(n), text: "A new post", n, rev: 0, author: profileId(person) };
        return this.#create(step, "posts", { name: "posts", body });
      }
      case "edited post":
        return this.#edit(step, `posts/records/${postId(post)}`, `post ${postId(post)}`);
      case "read notice":
        return this.#edit(step, `notices/records/${noticeOf(person)}`, `notice ${person}`);
      default:
        return this.#create(step, "likes", {
          name: `likes ${post}`,
          body: { post: postId(post), person: personId(person) },
        });
    }
  }

  async #create(
    step: Step,
    collection: string,
    { name, body }: { readonly name: string; readonly body: object },
  ): Promise<void> {
    const response = await this.#send(`POST ${collection}/records`, step, body);
    await response.arrayBuffer();
    if (response.ok) this.#acknowledged.count(name, performance.now());
    else this.#refused += 1;
  }

  async #edit(step: Step, path: string, name: string): Promise<void> {
    if (this.#busy.has(name)) return;
    this.#busy.add(name);
    const rev = (this.#revisions.get(name) ?? 0) + 1;
    this.#revisions.set(name, rev);
    const response = await this.#send(`PATCH ${path}`, step, { rev });
    await response.arrayBuffer();
    if (response.ok) this.#acknowledged.note(name, rev, performance.now());
    else this.#refused += 1;
    this.#busy.delete(name);
  }

  #send(line: string, { person }: Step, body?: object): Promise<Response> {
    const [method = "", path = ""] = line.split(" ");
    return fetch(`${this.#url}/api/collections/${path}`, {
      method,
      headers: { Authorization: this.#tokens[person] ?? "", "Content-Type": "application/json" },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }
}

const pathOf = ({ post, profile, page }: Step, kind: ReadKind): string => {
  const about = encodeURIComponent(`post='${postId(post)}'`);
  switch (kind) {
    case "feed":
      return `posts/records?sort=-n&perPage=30&page=${page}&expand=author`;
    case "post":
      return `posts/records/${postId(post)}?expand=author`;
    case "comments":
      return `comments/records?filter=${about}&perPage=30&expand=author`;
    case "likes":
      return `likes/records?filter=${about}&perPage=1&fields=id`;
    case "profile":
      return `profiles/records/${profileId(profile)}`;
    case "own notices":
      return "notices/records?sort=id&perPage=10";
  }
};

/** Rows with a verdict. */
export const socialGoals = ({ reached, violations, precision, kinds }: SocialRun): readonly GoalRow[] => [
  toRow({
    what: `the social workload (${REQUESTS} requests): reads that reach PocketBase`,
    value: reached,
    perRound: [reached],
    render: String,
    max: 250,
  }),
  toRow({
    what: "the social workload: of those, reads that nobody had asked for before",
    value: kinds.reduce((sum, { cold }) => sum + cold, 0),
    perRound: [kinds.reduce((sum, { cold }) => sum + cold, 0)],
    render: String,
  }),
  toRow({
    what: "the social workload: of those, reads whose answer had changed",
    value: precision.renewed - precision.needless,
    perRound: [precision.renewed - precision.needless],
    render: String,
  }),
  toRow({
    what: "the social workload: answers older than what was acknowledged before them, or somebody else's",
    value: violations.length,
    perRound: [violations.length],
    render: String,
    max: 0,
  }),
  toRow({
    what: "the social workload: answers fetched anew after a change that came back the same",
    value: precision.needless / precision.renewed,
    perRound: [precision.needless / precision.renewed],
    render: (share) => `${(share * 100).toFixed(0)} %`,
  }),
];
