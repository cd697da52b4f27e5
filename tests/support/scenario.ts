// Rows of the parity tables: one request and literal expectations of its answer, with what must not be in it.
import { expect, test } from "bun:test";
import type { World } from "./fixture/load.ts";
import type { Target } from "./targets.ts";
import { exchange, type WireRequest } from "./wire.ts";
import { headOf, type WireResponse } from "./wireReader.ts";

/** Who sends a request: a caller of the fixture, or any token text. */
export type Caller = "guest" | keyof World["tokens"] | { readonly token: string };

/** One row. A function as `path` gets the loaded fixture; a null expected header must be absent. */
export interface Scenario {
  readonly name: string;
  readonly as?: Caller;
  readonly method?: string;
  readonly path: string | ((world: World) => string);
  readonly headers?: readonly (readonly [string, string])[];
  readonly json?: unknown;
  readonly form?: FormData;
  readonly body?: string;
  /** Sends `body` in chunks of this many bytes. */
  readonly chunkBytes?: number;
  readonly status: number;
  /** The whole body, when every byte is known. */
  readonly exactly?: string;
  readonly contains?: readonly string[];
  readonly lacks?: readonly string[];
  readonly answers?: Readonly<Record<string, string | RegExp | null>>;
  /** Where Hapta differs on purpose: its own status and stable error code if it refuses, and why. */
  readonly deliberate?: { readonly status: number; readonly code?: string; readonly reason: string };
  /** Further checks, for example of what is stored now. */
  readonly afterwards?: (response: WireResponse, target: Target) => void | Promise<void>;
}

/** Writes a form as bytes with its Content-Type header. */
export const encodeForm = async (form: FormData): Promise<{ type: string; bytes: Uint8Array }> => {
  const carrier = new Response(form);
  return {
    type: carrier.headers.get("Content-Type") ?? "",
    bytes: new Uint8Array(await carrier.arrayBuffer()),
  };
};

const tokenOf = (caller: Caller, world: World): string | undefined => {
  if (caller === "guest") return undefined;
  return typeof caller === "string" ? world.tokens[caller] : caller.token;
};

type Call = Pick<Scenario, "as" | "method" | "path" | "headers" | "json" | "form" | "body" | "chunkBytes">;

/** Renders a row's request. */
export const toWire = async (call: Call, world: World): Promise<WireRequest> => {
  const headers = [...(call.headers ?? [])];
  const token = tokenOf(call.as ?? "guest", world);
  if (token !== undefined) headers.push(["Authorization", token]);
  const base = {
    method: call.method ?? "GET",
    path: typeof call.path === "string" ? call.path : call.path(world),
  };
  if (call.form !== undefined) {
    const { type, bytes } = await encodeForm(call.form);
    return { ...base, headers: [...headers, ["Content-Type", type]], body: bytes };
  }
  if (call.json !== undefined) {
    return {
      ...base,
      headers: [...headers, ["Content-Type", "application/json"]],
      body: JSON.stringify(call.json),
    };
  }
  if (call.body === undefined) return { ...base, headers };
  const whole = { ...base, headers, body: call.body };
  return call.chunkBytes === undefined ? whole : { ...whole, chunkBytes: call.chunkBytes };
};

/** Sends a row's request to a target. @throws Error when the answer is not what the API's description says. */
export const send = async (target: Target, call: Call): Promise<WireResponse> => {
  const request = await toWire(call, target.world);
  const first = await exchange(target.url, request);
  const response = target.name === "warm" ? await askAgain(target, call, first) : first;
  const problem = await target.described?.problemOf(request, response);
  if (problem !== undefined) throw new Error(`/openapi.json: ${problem}`);
  return response;
};

const READ = /^\/api\/collections\/\w+\/records/;

// By now it may come from the cache: it must be what was said before, and what PocketBase says.
const askAgain = async (target: Target, call: Call, first: WireResponse): Promise<WireResponse> => {
  const isRead =
    (call.method ?? "GET") === "GET" &&
    READ.test(typeof call.path === "string" ? call.path : call.path(target.world));
  // A body on a read is dropped, and PocketBase may have something against it.
  if (!isRead || call.body !== undefined) return first;
  const again = await exchange(target.url, await toWire(call, target.world));
  const others = [first];
  if (typeof call.as !== "object")
    others.push(await exchange(target.upstream.url, await toWire(call, target.upstream.world)));
  // What is wrong with a query, Hapta says in more words.
  for (const { status, text } of others)
    if (again.status !== status || (status !== 400 && again.text !== text))
      throw new Error(`${String(call.path)}: ${again.status} ${again.text}\nis not ${status} ${text}`);
  return again;
};

/** Sends a request whose answer must be 2xx JSON, and returns that JSON. */
export const sendForJson = async (target: Target, call: Call): Promise<Record<string, unknown>> => {
  const response = await send(target, call);
  if (response.status >= 300) throw new Error(`${call.method ?? "GET"}: ${response.status} ${response.text}`);
  return response.text === "" ? {} : (JSON.parse(response.text) as Record<string, unknown>);
};

/** Checks an answer against a row's expectations. */
export const check = (response: WireResponse, row: Scenario): void => {
  expect(`${response.status} ${response.text.slice(0, 600)}`).toStartWith(`${row.status} `);
  if (row.exactly !== undefined) expect(response.text).toBe(row.exactly);
  for (const part of row.contains ?? []) expect(response.text).toContain(part);
  for (const part of row.lacks ?? []) expect(response.text).not.toContain(part);
  for (const [name, value] of Object.entries(row.answers ?? {})) {
    const found = headOf(response, name);
    if (value === null) expect(`${name}: ${found}`).toBe(`${name}: undefined`);
    else if (typeof value === "string") expect(`${name}: ${found}`).toBe(`${name}: ${value}`);
    else expect(`${name}: ${found}`).toMatch(value);
  }
};

/** Registers one test per row, in order. */
export const testScenarios = (target: Target, rows: readonly Scenario[]): void => {
  for (const row of rows) {
    test(row.name, async () => {
      const response = await send(target, row);
      if (row.deliberate !== undefined && target.name !== "pocketbase") {
        expect(`${response.status} ${headOf(response, "x-hapta-error")}`).toBe(
          `${row.deliberate.status} ${row.deliberate.code}`,
        );
        return;
      }
      check(response, row);
      await row.afterwards?.(response, target);
    });
  }
};
