// One PocketBase with the test app and one Hapta, and the description as each caller gets it.
import { expect } from "bun:test";
import { validate } from "@readme/openapi-parser";
import { Validator } from "@seriousme/openapi-schema-validator";
import { z } from "zod";
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

/** A value is what a schema of the description says. Zod reads JSON Schema; references are moved to where it looks for them. */
export const expectSchema = (description: Description, name: string, value: unknown): void => {
  const moved = JSON.stringify({ $ref: `#/$defs/${name}`, $defs: description.components.schemas });
  const schema = z.fromJSONSchema(JSON.parse(moved.replaceAll("#/components/schemas/", "#/$defs/")));
  const { success, error } = schema.safeParse(value);
  expect([name, success, error?.issues.slice(0, 3)]).toEqual([name, true, undefined]);
};

/** Two independent validators accept a description. */
export const expectValid = async (text: string): Promise<void> => {
  expect(await validate(JSON.parse(text))).toMatchObject({ valid: true });
  expect(await new Validator().validate(JSON.parse(text))).toMatchObject({ valid: true });
};
