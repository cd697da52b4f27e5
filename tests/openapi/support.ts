// One PocketBase with the test app and one Hapta, and the description as each caller gets it.
import type { JsonSchema } from "../../src/openapi/jsonSchema.ts";
import type { Operation, PathItem } from "../../src/openapi/operation.ts";
import { loginCallers, type World } from "../support/fixture/load.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";

/** Who may ask. */
export const CALLERS = ["guest", "ada", "superuser"] as const;
export type Caller = (typeof CALLERS)[number];

/** The members of a description that tests look at. */
export interface Description {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/** A running pair. */
export interface App extends AsyncDisposable {
  readonly upstream: PocketBase;
  readonly hapta: Hapta;
  readonly tokens: World["tokens"];
  /** Calls Hapta as somebody. */
  call(caller: Caller, path: string, init?: RequestInit): Promise<Response>;
  describe(caller: Caller): Promise<Description>;
}

export const startApp = async (): Promise<App> => {
  const upstream = await startPocketBase();
  const hapta = await startHapta(upstream);
  const tokens = await loginCallers(hapta.url);
  const call: App["call"] = (caller, path, init = {}) => {
    const headers = new Headers(init.headers);
    if (caller !== "guest") headers.set("Authorization", tokens[caller]);
    return fetch(`${hapta.url}${path}`, { ...init, headers });
  };
  return {
    upstream,
    hapta,
    tokens,
    call,
    describe: async (caller) => (await (await call(caller, "/openapi.json")).json()) as Description,
    [Symbol.asyncDispose]: async () => {
      await hapta[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
    },
  };
};

/** Every operation of a description with its path and method. */
export const operationsOf = ({
  paths,
}: Description): { path: string; method: string; operation: Operation }[] =>
  Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ path, method, operation })),
  );
