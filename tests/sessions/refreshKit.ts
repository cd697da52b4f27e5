// What the tests of refreshes that PocketBase is not asked for share: a pair whose feed can be silenced, members in auth
// collections of the tests' own, and refreshes until PocketBase is not asked.
import { afterAll, beforeAll, expect, setDefaultTimeout } from "bun:test";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { headOf, type WireResponse } from "../support/wireReader.ts";
import { startFeedBlocker } from "./feedBlocker.ts";
import { type Account, type Call, call, jsonOf, login, ROOT, refresh, START_MS, TEST_MS } from "./support.ts";

export type Json = Readonly<Record<string, unknown>>;
export type Member = Required<Account> & { readonly id: string };

export const WAYS = ["through Hapta", "past Hapta"] as const;
export type Way = (typeof WAYS)[number];

const PEOPLE = "people";

const start = async (hooks: string) => {
  const pb = await startPocketBase({
    prepare: (dir) => void Bun.write(join(dir, "pb_hooks", "refreshes.pb.js"), hooks),
  });
  const relay = await startFeedBlocker(pb.url);
  const hapta = await startHapta(relay);
  const roots: Readonly<Record<Way, Pick<Call, "token"> & { readonly url: string }>> = {
    "through Hapta": { url: hapta.url, token: await login(hapta.url, ROOT) },
    "past Hapta": { url: pb.url, token: await login(pb.url, ROOT) },
  };
  const parts = [hapta, relay, pb];
  return { pb, relay, hapta, roots, stop: () => Promise.all(parts.map((one) => one[Symbol.asyncDispose]())) };
};

type Running = Awaited<ReturnType<typeof start>>;

/** Whether PocketBase was not asked for this answer. */
export const isUnasked = (answer: WireResponse): boolean => headOf(answer, "cache-status") === "hapta; hit";

export const recordIn = (answer: WireResponse): Json => jsonOf(answer)["record"] as Json;

/** One pair for all tests of a file, with hooks of its own. */
export const sharedRefreshKit = (hooks = "") => {
  setDefaultTimeout(3 * TEST_MS);
  let started: Running | undefined;
  let made = 0;
  const running = (): Running => {
    if (started === undefined) throw new Error("the pair is not running");
    return started;
  };
  beforeAll(async () => {
    started = await start(hooks);
    await addCollection({ name: PEOPLE });
  }, START_MS);
  afterAll(() => started?.stop(), START_MS);

  /** Writes as a superuser: through Hapta, or past it. */
  const write = async (way: Way, written: Call): Promise<Json> => {
    const { url, token } = running().roots[way];
    const answer = await call(url, { ...written, token });
    expect(`${answer.status} ${answer.text.slice(0, 300)}`).toMatch(/^20[04] /);
    return answer.text === "" ? {} : jsonOf(answer);
  };

  const addCollection = (options: Json): Promise<Json> => {
    const fields = [
      { name: "nick", type: "text" },
      { name: "count", type: "number" },
      { name: "friend", type: "relation", collectionId: "pbc_members0001", maxSelect: 1 },
    ];
    const json = { type: "auth", viewRule: "", fields, ...options };
    return write("through Hapta", { path: "/api/collections", json });
  };

  /** A member of a collection that all share, or, with options, of one of its own. */
  const createMember = async (options?: Json): Promise<Member> => {
    made += 1;
    const collection = options === undefined ? PEOPLE : String(options["name"] ?? `users${made}`);
    if (options !== undefined) await addCollection({ ...options, name: collection });
    const email = `m${made}@example.com`;
    const json = {
      email,
      password: PASSWORD,
      passwordConfirm: PASSWORD,
      nick: "Nick",
      friend: "memberada000001",
    };
    const { id } = await write("through Hapta", { path: `/api/collections/${collection}/records`, json });
    return { collection, email, password: PASSWORD, id: String(id) };
  };

  /** Refreshes until PocketBase is not asked; the token to go on with. */
  const settle = ({ collection }: Member, token: string): Promise<string> => {
    let current = token;
    return eventually(async () => {
      const answer = await refresh(running().hapta.url, current, collection);
      expect(`${answer.status} ${answer.text.slice(0, 300)}`).toStartWith("200 ");
      current = String(jsonOf(answer)["token"]);
      return isUnasked(answer) && current;
    }, TEST_MS);
  };

  return {
    get pb() {
      return running().pb;
    },
    get relay() {
      return running().relay;
    },
    get url() {
      return running().hapta.url;
    },
    write,
    createMember,
    settle,
    /** Logs a member in and refreshes until PocketBase is not asked. */
    settled: async (member: Member): Promise<string> =>
      settle(member, await login(running().hapta.url, member)),
    /** For how many of six refreshes in a row PocketBase is not asked. */
    unaskedOf: async (token: string, collection: string, how: Partial<Call> = {}): Promise<number> => {
      let current = token;
      let unasked = 0;
      for (let i = 0; i < 6; i++) {
        const path = `/api/collections/${collection}/auth-refresh`;
        const answer = await call(running().hapta.url, { method: "POST", path, ...how, token: current });
        expect(`${answer.status} ${answer.text.slice(0, 300)}`).toStartWith("200 ");
        current = String(jsonOf(answer)["token"] ?? current);
        if (isUnasked(answer)) unasked += 1;
      }
      return unasked;
    },
  };
};
