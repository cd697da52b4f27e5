// Where the cache's model suite plays: an app drawn from a seed, everybody who reads and writes there, and the comparison of
// what Hapta answers with what PocketBase answers. What is done when, is told elsewhere.
import type { Relay } from "../cache/relay.ts";
import { eventually } from "../support/eventually.ts";
import { type Answered, type Caller, type Probe, Side } from "./cacheClients.ts";
import {
  COUNTER,
  createDraw,
  type Draw,
  drawBody,
  drawCollections,
  drawField,
  emailOf,
  IDS,
  PASSWORD,
  type Table,
  TEAM_OF_PERSON,
  URLS,
} from "./cacheWorld.ts";

export const CALLERS: readonly Caller[] = ["guest", ...IDS.people];
const TABLES: readonly Table[] = ["people", "teams", "docs", "notes"];
const PROBES = 6;
/** Until a change past Hapta counts: of records, and of rules. */
export const BEHIND_MS = 1_500;
export const RULES_BEHIND_MS = 4_000;
/** Nothing is shown by it: how long it takes to get over trouble. */
const OPEN_MS = 30_000;

/** A write of one record. */
export interface Write {
  readonly line: string;
  readonly body: unknown;
  readonly table: Table;
  readonly id: string;
}

/** What a scene is made of. */
export interface SceneParts {
  readonly upstreamUrl: string;
  readonly haptaUrl: string;
  readonly relay: Relay;
  /** Ends PocketBase at once and starts it again where it was. */
  readonly restart: () => Promise<void>;
  readonly seed: number;
  /** All that is read before and after each change; some of everything unless told. */
  readonly urls?: readonly string[] | undefined;
}

/** One kind of step. @throws Error that has both answers, when they differ. */
export type Step = (scene: Scene) => Promise<void>;

/** One app, its callers, and how often what was done. */
export class Scene {
  readonly draw: Draw;
  readonly relay: Relay;
  readonly restart: () => Promise<void>;
  /** PocketBase, and Hapta. */
  readonly direct: Side;
  readonly through: Side;
  /** The last thing that was sent, for failure messages. */
  doing = "";
  readonly #counts = new Map<string, number>();
  readonly #rules = new Map<string, string>();
  readonly #urls: readonly string[] | undefined;

  constructor({ upstreamUrl, haptaUrl, relay, restart, seed, urls }: SceneParts) {
    this.draw = createDraw(seed);
    this.relay = relay;
    this.restart = restart;
    this.direct = new Side(upstreamUrl);
    this.through = new Side(haptaUrl);
    this.#urls = urls;
  }

  /** How often what was done, by a word each. */
  get counts(): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#counts].sort());
  }

  count(what: string): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
  }

  /** Makes the collections and records, and logs everybody in. */
  async prepare(): Promise<void> {
    const { direct, through } = this;
    await direct.login("superuser");
    await through.login("superuser");
    const collections = drawCollections(this.draw);
    // Rules may name collections that come later.
    const bare = collections
      .filter(({ type }) => type !== "view")
      .map((one) => ({ ...one, listRule: null, viewRule: null, manageRule: null }));
    await this.#must("PUT collections/import", { collections: bare, deleteMissing: false });
    const people = JSON.parse((await direct.send("GET collections/people", undefined, "superuser")).text);
    await this.#must("PATCH collections/people", { fields: [...people.fields, TEAM_OF_PERSON] });
    for (const { id, name, listRule, viewRule, manageRule, ...rest } of collections) {
      const rules = { listRule, viewRule, ...(manageRule === undefined ? {} : { manageRule }) };
      if (rest["type"] === "view") await this.#must("POST collections", { id, name, ...rules, ...rest });
      else await this.#must(`PATCH collections/${id}`, rules);
      this.#noteRules(String(name), rules);
    }
    for (const table of TABLES) for (const id of IDS[table]) await this.create(direct, table, id);
    await this.#must("POST collections/docs/records", { id: COUNTER, n: 0, open: true });
    for (const person of IDS.people) await this.login(person);
  }

  async #must(line: string, body: unknown): Promise<void> {
    const { status, text } = await this.direct.send(line, body, "superuser");
    if (status >= 300) throw new Error(`${line}: ${status} ${text}`);
  }

  async login(person: Caller): Promise<void> {
    await this.direct.login(person);
    await this.through.login(person);
  }

  /** Through Hapta more often than past it. */
  drawSide(throughShare = 0.6): Side {
    return this.draw.chance(throughShare) ? this.through : this.direct;
  }

  /** How long a change of records that was made there may take. */
  boundOf(side: Side): number {
    return side === this.through ? 0 : BEHIND_MS;
  }

  /** Sends it. @returns its status. @throws Error when nobody can know what became of it. */
  async send(
    side: Side,
    line: string,
    { body, caller = "superuser" }: { readonly body?: unknown; readonly caller?: Caller } = {},
  ): Promise<number> {
    const { status } = await side.send(line, body, caller);
    const how = side === this.through ? "through" : "behind";
    this.doing = `${how} as ${caller}: ${line} ${JSON.stringify(body)?.slice(0, 300)} -> ${status}`;
    if (status >= 500) throw new Error(`answered ${status}`);
    if (status < 300 && line.startsWith("DELETE")) this.count("deletions");
    if (status < 300) this.count(caller === "superuser" ? "writes of superusers" : "writes of others");
    return status;
  }

  /** Changes rules of a collection. */
  async setRules(side: Side, name: string, rules: Readonly<Record<string, string | null>>): Promise<void> {
    const status = await this.send(side, `PATCH collections/${name}`, { body: rules });
    if (status < 300) this.#noteRules(name, rules);
  }

  #noteRules(name: string, rules: Readonly<Record<string, unknown>>): void {
    for (const [kind, rule] of Object.entries(rules)) this.#rules.set(`${name} ${kind}`, String(rule));
  }

  /** Creates a record as the superuser, unless it is there. */
  async create(side: Side, table: Table, id: string): Promise<void> {
    const login =
      table === "people"
        ? { email: emailOf(id), password: PASSWORD, passwordConfirm: PASSWORD, verified: true }
        : {};
    const body = { id, ...drawBody(this.draw, table), ...login };
    // A relation to what is not there yet is refused; then without.
    const { status } = await side.send(`POST collections/${table}/records`, body, "superuser");
    if (status >= 300) await side.send(`POST collections/${table}/records`, { id, ...login }, "superuser");
    this.doing = `create ${table} ${id}`;
  }

  drawWrite(): Write {
    const table = this.draw.pick(TABLES);
    const id = this.draw.pick(IDS[table]);
    const path = `collections/${table}/records`;
    const dice = this.draw.below(10);
    if (table !== "people" && dice < 2) return { line: `DELETE ${path}/${id}`, body: undefined, table, id };
    const body = drawBody(this.draw, table);
    if (table !== "people" && dice < 4) return { line: `POST ${path}`, body: { id, ...body }, table, id };
    const changed = this.draw.chance(0.1) ? body : drawField(this.draw, table);
    return { line: `PATCH ${path}/${id}`, body: changed, table, id };
  }

  /**
   * Draws reads, and has them answered until Hapta and PocketBase say the same: whatever is kept, is there then.
   * @param paths - Read as well, unless the scene was told what is read.
   */
  async warm(paths: readonly string[] = []): Promise<readonly Probe[]> {
    const { draw } = this;
    const drawn = Array.from({ length: PROBES }, () => draw.pick(URLS));
    const all = this.#urls ?? [...drawn, ...paths];
    return this.warmed(all.map((path) => ({ path, caller: draw.pick(CALLERS), isKeyed: draw.chance(0.2) })));
  }

  /** The same with reads that are given. */
  async warmed(probes: readonly Probe[]): Promise<readonly Probe[]> {
    // Somebody else first, so that what is shared too widely is there before its owner asks.
    const others = probes.map((probe) => ({
      ...probe,
      caller: this.draw.pick([...CALLERS, "superuser"]),
      isKeyed: this.draw.chance(0.2),
    }));
    await Promise.all(others.map((probe) => this.readThrough(probe)));
    await Promise.all(probes.map((probe) => this.readThrough(probe)));
    await this.compare(probes, BEHIND_MS);
    return probes;
  }

  async readThrough(probe: Probe): Promise<Answered> {
    const answer = await this.through.read(probe);
    this.count("reads");
    if (answer.cacheStatus === "hapta; hit") this.count("hits");
    for (const kind of this.#kindsOf(probe)) this.count(kind);
    return answer;
  }

  #kindsOf({ path, isKeyed }: Probe): readonly string[] {
    const [, collection = "", rest = ""] = /^(\w+)\/records(.*)$/.exec(path) ?? [];
    const rule = this.#rules.get(`${collection} ${rest.startsWith("/") ? "view" : "list"}Rule`) ?? "";
    const text = rule + rest;
    return [
      ...(collection === "stats" ? ["reads of a view"] : []),
      ...(text.includes("_via_") ? ["reads along back-relations"] : []),
      ...(text.includes("@now") ? ["reads that the clock decides"] : []),
      ...(rule.includes("@request.headers")
        ? [`reads that a header decides, with${isKeyed ? "" : "out"} it`]
        : []),
      ...(rule.includes("@request.query")
        ? [`reads that a parameter decides, with${rest.includes("share=") ? "" : "out"} it`]
        : []),
      ...(/@request\.auth\.(?:role|team)/.test(rule) ? ["reads that the caller's record decides"] : []),
    ];
  }

  /** Waits until kept answers are given again: what was kept before must not be among them. */
  async opened(): Promise<void> {
    // Of a collection that no rule ever keeps out of the cache.
    const probe = { path: "teams/records?sort=id", caller: "guest", isKeyed: false };
    const isOpen = async () => !(await this.readThrough(probe)).cacheStatus.includes("bypass");
    await eventually(isOpen, OPEN_MS);
  }

  /** Every probe must be answered as PocketBase answers it, within so many ms of now. */
  async compare(probes: readonly Probe[], withinMs: number): Promise<void> {
    const endsAt = performance.now() + withinMs;
    await Promise.all(probes.map((probe) => this.#compareOne(probe, endsAt)));
  }

  async #compareOne(probe: Probe, endsAt: number): Promise<void> {
    for (;;) {
      const isLast = performance.now() >= endsAt;
      const got = await this.readThrough(probe);
      const want = await this.direct.read(probe);
      // What is wrong with a query, Hapta says in more words.
      if (got.status === want.status && (got.status === 400 || got.text === want.text)) return;
      if (isLast)
        throw new Error(
          `${probe.path} as ${probe.caller}${probe.isKeyed ? " with the key" : ""} (${got.cacheStatus})\n` +
            `hapta      ${got.status} ${got.text.slice(0, 1500)}\npocketbase ${want.status} ${want.text.slice(0, 1500)}`,
        );
      await Bun.sleep(20);
    }
  }
}
