// Sends one request to PocketBase and through Hapta, and tells or compares both answers.
import { expect } from "bun:test";
import { eventually } from "../support/eventually.ts";
import { loginCallers, type World } from "../support/fixture/load.ts";
import { type Hapta, type HaptaOptions, startHapta } from "../support/hapta.ts";
import { type PocketBase, type PocketBaseVersion, startPocketBase } from "../support/pocketbase.ts";

/** One request; `json` is sent as it is when it is a text. */
export interface Call {
  readonly as?: "guest" | "ada" | "ben" | "superuser";
  readonly method?: string;
  readonly path: string;
  readonly json?: unknown;
  /** Made anew for each sending; instead of `json`. */
  readonly form?: () => FormData | URLSearchParams;
}

/** One answer; `code` is Hapta's, undefined when PocketBase answered. */
export interface Told {
  readonly status: number;
  readonly code: string | undefined;
  readonly body: unknown;
}

/** PocketBase with a Hapta in front of it. */
export interface Pair extends AsyncDisposable {
  readonly pb: PocketBase;
  readonly hapta: Hapta;
  /** Past Hapta. */
  direct(call: Call): Promise<Told>;
  through(call: Call): Promise<Told>;
}

/** Starts a pair of its own. */
export const startPair = async (options: HaptaOptions = {}, version?: PocketBaseVersion): Promise<Pair> => {
  const pb = await startPocketBase(version === undefined ? {} : { version });
  const hapta = await startHapta(pb, options);
  const tokens = await loginCallers(hapta.url);
  return {
    pb,
    hapta,
    direct: (call) => ask(pb.url, call, pb.world.tokens),
    through: (call) => ask(hapta.url, call, tokens),
    async [Symbol.asyncDispose]() {
      await hapta[Symbol.asyncDispose]();
      await pb[Symbol.asyncDispose]();
    },
  };
};

const ask = async (
  base: string,
  { as = "guest", method = "GET", path, json, form }: Call,
  tokens: World["tokens"],
): Promise<Told> => {
  const headers: Record<string, string> = as === "guest" ? {} : { Authorization: tokens[as] };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const text = typeof json === "string" ? json : JSON.stringify(json);
  const body = form === undefined ? text : form();
  const response = await fetch(`${base}${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body }),
  });
  const answer = await response.text();
  return {
    status: response.status,
    code: response.headers.get("x-hapta-error") ?? undefined,
    body: answer === "" ? undefined : (JSON.parse(answer) as unknown),
  };
};

/** Hapta's answer without what it says in addition. */
export const plain = ({ code, status, body }: Told): unknown => {
  if (code !== "query_invalid") return { status, body };
  const { data, ...rest } = body as { data: Record<string, unknown> };
  const { filter: _, sort: __, ...others } = data;
  return { status, body: { ...rest, data: others } };
};

/** Sends one request both ways; the answers must be equal, and Hapta's of this code. */
export const expectAlike = async (pair: Pair, call: Call, code: string | undefined): Promise<Told> => {
  const [direct, through] = [await pair.direct(call), await pair.through(call)];
  expect([call, plain(through)]).toEqual([call, { status: direct.status, body: direct.body }]);
  expect([call, through.code]).toEqual([call, code]);
  return through;
};

/** As `expectAlike`, once Hapta refuses: while its feed is in doubt, on a busy machine, it leaves callers' calls to PocketBase. */
export const expectSoonAlike = async (pair: Pair, call: Call, code: string | undefined): Promise<Told> => {
  if (code !== undefined) await eventually(async () => (await pair.through(call)).code === code, 10_000);
  return await expectAlike(pair, call, code);
};

/** Posts what makes a collection, changes one or removes one, as superuser and past Hapta. */
export const changeSchema = async (
  { pb }: Pair,
  change: { readonly method: string; readonly path: string; readonly json?: unknown },
): Promise<void> => {
  const told = await ask(pb.url, { as: "superuser", ...change }, pb.world.tokens);
  if (told.status >= 300) throw new Error(`${change.path}: ${told.status} ${JSON.stringify(told.body)}`);
};

/** Switches PocketBase's batches on or off, as superuser and past Hapta. */
export const allowBatches = (pair: Pair, enabled: boolean, maxRequests = 50): Promise<void> =>
  changeSchema(pair, {
    method: "PATCH",
    path: "/api/settings",
    json: { batch: { enabled, maxRequests, timeout: 60 } },
  });
