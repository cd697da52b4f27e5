// Random histories before a caller who listens at PocketBase and at Hapta, and the claim that both tell the same.
import { expect } from "bun:test";
import { ADA, login, logout, type Pair } from "../sessions/support.ts";
import type { EventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { asRoot, eventsOf, less, listen, RULES } from "./support.ts";

/** One caller, at PocketBase and at Hapta. */
export interface Listener {
  readonly name: string;
  readonly direct: EventStream;
  readonly own: EventStream;
  readonly tokens: { readonly direct: string | undefined; readonly own: string | undefined };
  /** Events that PocketBase told and Hapta said may be missing. */
  readonly excused?: string[];
}

/** What a history is made of. */
export interface Plot {
  /** Collections of `createCollections`, `rt_public` among them. */
  readonly names: readonly string[];
  /** To which rules are edited; none, and none is. */
  readonly rules: readonly (string | null)[];
  /** `rt_public` keeps its rule: marks are made in it. */
  readonly isMarked?: boolean;
}

/** For a mark to be heard, and how many are made. */
const MARK_MS = 2_500;
const MARKS_MAX = 4;

/** One random step of a history, past Hapta; its kind. */
export const createStep = (pair: Pair, random: () => number, { names, rules, isMarked = false }: Plot) => {
  const ask = asRoot(pair);
  const records: { name: string; id: string }[] = [];
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const fields = () => ({
    title: `t${Math.floor(random() * 3)}`,
    flag: random() < 0.5,
    secret: "hidden",
    owner: pick(["", IDS.ada, IDS.ben]),
  });
  const pathOf = (name: string): string => `/api/collections/${name}/records`;
  const create = async (name = pick(names)): Promise<void> => {
    const parents = records.filter((record) => record.name === "rt_public");
    const parent = name === "rt_public" || parents.length === 0 ? {} : { parent: pick(parents).id };
    const made = await ask("POST", pathOf(name), { ...fields(), ...parent });
    records.push({ name, id: String(made["id"]) });
  };
  const forget = (id: string): void => {
    records.splice(
      records.findIndex((record) => record.id === id),
      1,
    );
  };
  const steps: Record<string, () => Promise<unknown>> = {
    create,
    update: () => {
      const { name, id } = pick(records);
      return ask("PATCH", `${pathOf(name)}/${id}`, fields());
    },
    delete: async () => {
      const children = records.filter(({ name }) => name !== "rt_public");
      if (children.length === 0) return;
      const { name, id } = pick(children);
      await ask("DELETE", `${pathOf(name)}/${id}`).catch(() => undefined);
      forget(id);
    },
    // With all that hangs on it.
    cascade: async () => {
      const parents = records.filter(({ name }) => name === "rt_public");
      if (parents.length === 0) return;
      const { id } = pick(parents);
      await ask("DELETE", `${pathOf("rt_public")}/${id}`);
      records.length = 0;
    },
    batch: () =>
      ask("POST", "/api/batch", {
        requests: Array.from({ length: 3 }, () => ({
          method: "POST",
          url: pathOf(pick(names)),
          body: fields(),
        })),
      }),
    rule: async () => {
      const name = pick(names);
      const rule = pick([...rules, RULES[name] ?? null]);
      const isAbout = name === "rt_public" && (rule?.includes("parent.") === true || isMarked);
      if (!isAbout) await ask("PATCH", `/api/collections/${name}`, { listRule: rule, viewRule: rule });
    },
    member: () =>
      ask("PATCH", `/api/collections/members/records/${IDS.ben}`, { name: pick(["Ben", "Ada II"]) }),
    role: () =>
      ask("PATCH", `/api/collections/members/records/${pick([IDS.ada, IDS.ben])}`, {
        role: pick(["reader", "writer"]),
        verified: random() < 0.5,
        emailVisibility: random() < 0.5,
      }),
    // A deletion and a new record with the id of the old one, for somebody else.
    reborn: async () => {
      const { name, id } = pick(records);
      await ask("DELETE", `${pathOf(name)}/${id}`);
      await ask("POST", pathOf(name), { ...fields(), id });
      if (name === "rt_public") records.splice(0, records.length, { name, id });
    },
    // Ends a session of Ada's, so that her stream is renewed while events come.
    device: async () => {
      const token = await login(pair.url, ADA);
      using _stream = await listen(pair.url, { token, topics: ["rt_owner/*"] });
      expect(await logout(pair.url, token)).toBe(204);
    },
  };
  const odds = ["create", "create", "create", "update", "update", "update", "delete", "cascade", "batch"];
  odds.push("member", "device", "role", "role", "reborn", ...(rules.length > 0 ? ["rule"] : []));
  return async (): Promise<string> => {
    const name = records.length === 0 ? "create" : pick(odds);
    await steps[name]?.();
    return name;
  };
};

/**
 * @param write - Makes a change that everybody hears of, with this text in it.
 * @param mayMiss - Who was told since the last time that something may be missing: such a one hears nothing else than at
 * PocketBase, but perhaps not all of it.
 */
export const expectSame = async (
  listeners: readonly Listener[],
  write: (text: string) => Promise<unknown>,
  mayMiss: (listener: Listener) => boolean = () => false,
): Promise<void> => {
  await markAll(listeners, write);
  for (const listener of listeners) {
    const { own, direct, name, excused = [] } = listener;
    const compare = () => {
      const [here, there] = [eventsOf(own), eventsOf(direct)];
      return { tooMuch: less(here, there), missing: less(less(there, here), excused) };
    };
    await eventually(() => {
      const { tooMuch, missing } = compare();
      return tooMuch.length === 0 && (missing.length === 0 || mayMiss(listener));
    }, 3_000).catch(() => {
      throw new Error(`${name}: ${JSON.stringify(compare(), null, 1)}`);
    });
    excused.push(...compare().missing);
    // What was said until now excuses nothing that comes later.
    mayMiss(listener);
  }
};

// A mark, too, may be what a gap stands for.
const markAll = async (
  listeners: readonly Listener[],
  write: (text: string) => Promise<unknown>,
): Promise<void> => {
  for (let tries = 1; ; tries++) {
    const mark = `mark${performance.now()}`;
    await write(mark);
    const isHeard = () =>
      listeners.every(({ own, direct }) => [own, direct].every((one) => one.text().includes(mark)));
    try {
      await eventually(isHeard, MARK_MS);
      return;
    } catch (cause) {
      if (tries < MARKS_MAX) continue;
      const heard = listeners.map(
        ({ name, own, direct }) =>
          `${name} at Hapta ${own.text().includes(mark)}, at PocketBase ${direct.text().includes(mark)}`,
      );
      throw new Error(`A mark was not heard by all: ${heard.join("; ")}`, { cause });
    }
  }
};
