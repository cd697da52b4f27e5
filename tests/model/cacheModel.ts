// The model suite of the cache: draws an app, lets everybody read and write, and compares Hapta with PocketBase asked
// directly as the same caller. What it finds, it throws with the seed that finds it again.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Relay, startRelay } from "../cache/relay.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { type Answered, type Caller, Side } from "./cacheClients.ts";
import {
  COUNTER,
  createDraw,
  type Draw,
  drawBody,
  drawCollections,
  emailOf,
  HOOKS,
  IDS,
  PASSWORD,
  RULES,
  type Table,
  TEAM_OF_PERSON,
  URLS,
} from "./cacheWorld.ts";

/** How a run is made. */
export interface ModelOptions {
  readonly seed: number;
  /** No step begins after this long. */
  readonly runMs: number;
  /** Most steps. */
  readonly stepsMax: number;
  /** What is started as Hapta, where it is not this project. */
  readonly entry?: string;
  /** What is read; everything unless told. */
  readonly urls?: readonly string[];
}

/** What a run did. */
export interface ModelResult {
  readonly steps: number;
  readonly reads: number;
  readonly hits: number;
}

/** A read of the small space: where, and by whom. */
interface Probe {
  readonly path: string;
  readonly caller: Caller;
}

const CALLERS: readonly Caller[] = ["guest", ...IDS.people];
const TABLES: readonly Table[] = ["people", "teams", "docs", "notes"];
const PROBES = 6;
/** Events come at once, or so late that what Hapta knows of its own writes it has to know by itself. */
const FEED_DELAYS_MS = [0, 4, 80];
/** Until feeds are cut: what the feed has told before counts for little after that. */
const CUTS_FROM = 0.6;
/** Until a change past Hapta counts: of records, and of rules. */
const BEHIND_MS = 1_500;
const RULES_BEHIND_MS = 4_000;

/** Runs the model. @throws Error that names the seed, the step, and both answers. */
export const runCacheModel = async (options: ModelOptions): Promise<ModelResult> => {
  const prepare = (dir: string): void => writeFileSync(join(dir, "pb_hooks", "model.pb.js"), HOOKS);
  await using upstream = await startPocketBase({ prepare });
  await using relay = await startRelay(upstream.url, FEED_DELAYS_MS[options.seed % FEED_DELAYS_MS.length]);
  await using hapta = await startHapta(relay, {
    config: { Cache: { isEnabled: true, VerifyRate: 0 }, Network: { TrustedProxies: ["127.0.0.1/32"] } },
    ...(options.entry === undefined ? {} : { entry: options.entry }),
  });
  const run = new Run(options, { upstream, relay, hapta });
  try {
    await run.prepare();
    return await run.run();
  } catch (error) {
    throw new Error(`${run.where()}\n${String(error)}\n${hapta.child.output().slice(-2000)}`, {
      cause: error,
    });
  }
};

class Run {
  readonly #options: ModelOptions;
  readonly #draw: Draw;
  readonly #relay: Relay;
  readonly #direct: Side;
  readonly #through: Side;
  #step = 0;
  #doing = "";
  #reads = 0;
  #hits = 0;

  constructor(
    options: ModelOptions,
    parts: { readonly upstream: PocketBase; readonly relay: Relay; readonly hapta: Hapta },
  ) {
    this.#options = options;
    this.#draw = createDraw(options.seed);
    this.#relay = parts.relay;
    this.#direct = new Side(parts.upstream.url);
    this.#through = new Side(parts.hapta.url);
  }

  async prepare(): Promise<void> {
    const direct = this.#direct;
    await direct.login("superuser");
    await this.#through.login("superuser");
    const collections = drawCollections(this.#draw);
    const byHand = async (line: string, body: unknown): Promise<void> => {
      const { status, text } = await direct.send(line, body, "superuser");
      if (status >= 300) throw new Error(`${line}: ${status} ${text}`);
    };
    // Rules may name collections that come later.
    const bare = collections
      .filter(({ type }) => type !== "view")
      .map((one) => ({ ...one, listRule: null, viewRule: null, manageRule: null }));
    await byHand("PUT collections/import", { collections: bare, deleteMissing: false });
    const people = JSON.parse((await direct.send("GET collections/people", undefined, "superuser")).text);
    await byHand("PATCH collections/people", { fields: [...people.fields, TEAM_OF_PERSON] });
    for (const { id, listRule, viewRule, ...rest } of collections) {
      if (rest["type"] === "view") await byHand("POST collections", { id, listRule, viewRule, ...rest });
      else
        await byHand(`PATCH collections/${id}`, {
          listRule,
          viewRule,
          ...(rest["manageRule"] === undefined ? {} : { manageRule: rest["manageRule"] }),
        });
    }
    for (const table of TABLES) for (const id of IDS[table]) await this.#create(direct, table, id);
    await byHand("POST collections/docs/records", { id: COUNTER, n: 0, open: true });
    for (const person of IDS.people) await this.#login(person);
  }

  async run(): Promise<ModelResult> {
    const startedMs = performance.now();
    while (performance.now() - startedMs < this.#options.runMs && this.#step < this.#options.stepsMax) {
      this.#step += 1;
      const dice = this.#draw.below(100);
      if (dice < 60) await this.#writeThrough();
      else if (dice < 78) await this.#writeBehind();
      else if (dice < 86) await this.#changeRule();
      else if (dice < 92) await this.#replacePerson();
      else if (dice < 96 && performance.now() - startedMs > this.#options.runMs * CUTS_FROM)
        await this.#cutFeed();
      else await this.#count();
    }
    return { steps: this.#step, reads: this.#reads, hits: this.#hits };
  }

  async #writeThrough(): Promise<void> {
    const probes = await this.#warm();
    const caller = this.#draw.chance(0.5) ? "superuser" : this.#draw.pick(CALLERS);
    await (this.#draw.chance(0.2) ? this.#batch(caller) : this.#write(this.#through, caller));
    await this.#compare(probes, 0);
  }

  async #writeBehind(): Promise<void> {
    const probes = await this.#warm();
    // Two at once may load the same record before either saves it.
    const count = this.#draw.chance(0.3) ? 2 : 1;
    const writes = Array.from({ length: count }, () => this.#drawWrite());
    await Promise.all(
      writes.map(({ line, body }) => this.#send(this.#direct, line, { body, caller: "superuser" })),
    );
    await this.#compare(probes, BEHIND_MS);
  }

  async #changeRule(): Promise<void> {
    const probes = await this.#warm();
    const name = this.#draw.pick(Object.keys(RULES));
    const kind = this.#draw.pick(["listRule", "viewRule"]);
    const side = this.#draw.chance(0.75) ? this.#through : this.#direct;
    const body = { [kind]: this.#draw.pick(RULES[name] ?? [""]) };
    await this.#send(side, `PATCH collections/${name}`, { body, caller: "superuser" });
    await this.#compare(probes, side === this.#through ? 0 : RULES_BEHIND_MS);
    // By the older rule the answers may have been the same, by chance; a write of the schema has Hapta read it.
    if (side === this.#direct) await this.#through.send(`PATCH collections/${name}`, {}, "superuser");
  }

  // Deleted, and made anew with the same id: who held the old login is a guest.
  async #replacePerson(): Promise<void> {
    const id = this.#draw.pick(IDS.people);
    const probes = (await this.#warm()).map(({ path }, i) => ({ path, caller: i < 3 ? id : "guest" }));
    for (const probe of probes) await this.#through.read(probe.path, probe.caller);
    const side = this.#draw.chance(0.6) ? this.#through : this.#direct;
    const boundMs = side === this.#through ? 0 : BEHIND_MS;
    await this.#send(side, `DELETE collections/people/records/${id}`, { caller: "superuser" });
    await this.#compare(probes, boundMs);
    await this.#create(side, "people", id);
    await this.#compare(probes, boundMs);
    await this.#login(id);
    await this.#compare(probes, boundMs);
  }

  async #cutFeed(): Promise<void> {
    const probes = await this.#warm();
    this.#relay.cutFeed();
    await Bun.sleep(100);
    await this.#write(this.#direct, "superuser");
    await this.#compare(probes, 400);
    this.#relay.heal();
    await this.#compare(probes, BEHIND_MS);
  }

  /** A counter that only grows, written and read at once: nobody may see it go back, or miss what was acknowledged. */
  async #count(): Promise<void> {
    this.#doing = "count";
    const urls = [
      "docs/records?sort=id&fields=id,n",
      `docs/records/${COUNTER}`,
      "docs/records?sort=-n,id&perPage=50",
    ];
    const open = { listRule: this.#draw.pick(["", '@request.auth.id != "" || open = true']), viewRule: "" };
    await this.#send(this.#through, "PATCH collections/docs", { body: open, caller: "superuser" });
    let acknowledged = 0;
    let isOver = false;
    const reader = async (caller: Caller, offset: number): Promise<void> => {
      let last = 0;
      for (let i = offset; !isOver; i++) {
        const least = Math.max(acknowledged, last);
        const path = urls[i % urls.length] ?? "";
        const answer = await this.#readThrough({ path, caller });
        const found = counterIn(answer.text);
        if (found === undefined || found < least)
          throw new Error(
            `${path} as ${caller} says ${found} after ${least} (${answer.cacheStatus}): ${answer.text.slice(0, 300)}`,
          );
        last = found;
      }
    };
    const writer = async (): Promise<void> => {
      for (let i = 0; i < 25; i++) {
        const { text } = await this.#through.send(
          `PATCH collections/docs/records/${COUNTER}`,
          { "n+": 1 },
          "superuser",
        );
        acknowledged = counterIn(text) ?? acknowledged;
        if (i % 5 === 4) await Bun.sleep(20);
      }
      isOver = true;
    };
    const readers = CALLERS.map((caller, i) => reader(caller, i));
    try {
      await Promise.all([writer(), ...readers]);
    } finally {
      isOver = true;
      await Promise.allSettled(readers);
    }
  }

  async #write(side: Side, caller: Caller): Promise<void> {
    const { line, body } = this.#drawWrite();
    await this.#send(side, line, { body, caller });
  }

  #drawWrite(): { readonly line: string; readonly body: unknown } {
    const table = this.#draw.pick(TABLES);
    const id = this.#draw.pick(IDS[table]);
    const path = `collections/${table}/records`;
    const dice = this.#draw.below(10);
    if (table !== "people" && dice < 2) return { line: `DELETE ${path}/${id}`, body: undefined };
    const body = drawBody(this.#draw, table);
    if (table !== "people" && dice < 4) return { line: `POST ${path}`, body: { id, ...body } };
    const [name = ""] = Object.keys(body).filter(() => this.#draw.chance(0.5));
    return { line: `PATCH ${path}/${id}`, body: name === "" ? body : { [name]: body[name] } };
  }

  async #batch(caller: Caller): Promise<void> {
    const requests = Array.from({ length: 1 + this.#draw.below(3) }, () => {
      const { line, body } = this.#drawWrite();
      const [method = "", path = ""] = line.split(" ");
      return { method, url: `/api/${path}`, ...(body === undefined ? {} : { body }) };
    });
    await this.#send(this.#through, "POST batch", { body: { requests }, caller });
  }

  async #send(
    side: Side,
    line: string,
    { body, caller }: { readonly body?: unknown; readonly caller: Caller },
  ): Promise<void> {
    const { status } = await side.send(line, body, caller);
    const how = side === this.#through ? "through" : "behind";
    this.#doing = `${how} as ${caller}: ${line} ${JSON.stringify(body)?.slice(0, 300)} -> ${status}`;
    if (status >= 500) throw new Error(`answered ${status}`);
  }

  async #create(side: Side, table: Table, id: string): Promise<void> {
    const login =
      table === "people"
        ? { email: emailOf(id), password: PASSWORD, passwordConfirm: PASSWORD, verified: true }
        : {};
    const body = { id, ...drawBody(this.#draw, table), ...login };
    // A relation to what is not there yet is refused; then without.
    const { status } = await side.send(`POST collections/${table}/records`, body, "superuser");
    if (status >= 300) await side.send(`POST collections/${table}/records`, { id, ...login }, "superuser");
    this.#doing = `create ${table} ${id}`;
  }

  async #login(person: Caller): Promise<void> {
    await this.#direct.login(person);
    await this.#through.login(person);
  }

  async #warm(): Promise<readonly Probe[]> {
    const probes = Array.from({ length: PROBES }, () => ({
      path: this.#draw.pick(this.#options.urls ?? URLS),
      caller: this.#draw.pick(CALLERS),
    }));
    // Somebody else first, so that what is shared too widely is there before its owner asks.
    await Promise.all(
      probes.map(({ path }) => this.#readThrough({ path, caller: this.#draw.pick(CALLERS) })),
    );
    await Promise.all(probes.map((probe) => this.#readThrough(probe)));
    await this.#compare(probes, BEHIND_MS);
    return probes;
  }

  async #readThrough({ path, caller }: Probe): Promise<Answered> {
    const answer = await this.#through.read(path, caller);
    this.#reads += 1;
    if (answer.cacheStatus === "hapta; hit") this.#hits += 1;
    return answer;
  }

  /** Every probe must answer as PocketBase does, within so many ms of now. */
  async #compare(probes: readonly Probe[], withinMs: number): Promise<void> {
    const endsAt = performance.now() + withinMs;
    await Promise.all(
      probes.map(async (probe) => {
        for (;;) {
          const isLast = performance.now() >= endsAt;
          const got = await this.#readThrough(probe);
          const want = await this.#direct.read(probe.path, probe.caller);
          // What is wrong with a query, Hapta says in more words.
          if (got.status === want.status && (got.status === 400 || got.text === want.text)) return;
          if (!isLast) {
            await Bun.sleep(20);
            continue;
          }
          throw new Error(
            `${probe.path} as ${probe.caller} (${got.cacheStatus})\n` +
              `hapta      ${got.status} ${got.text.slice(0, 1500)}\npocketbase ${want.status} ${want.text.slice(0, 1500)}`,
          );
        }
      }),
    );
  }

  /** Where a failure is. */
  where(): string {
    return `seed ${this.#options.seed}, step ${this.#step}, after ${this.#doing}`;
  }
}

const counterIn = (text: string): number | undefined => {
  const json = JSON.parse(text) as { id?: string; n?: number; items?: { id: string; n: number }[] };
  return json.items === undefined ? json.n : json.items.find(({ id }) => id === COUNTER)?.n;
};
