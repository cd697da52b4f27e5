// Sends generated requests to PocketBase directly and through a gateway, over kept connections, and compares.
import fc from "fast-check";
import type { World } from "../support/fixture/load.ts";
import { renderRequest, WireConnection, type WireRequest } from "../support/wire.ts";
import { differencesOf } from "./differences.ts";
import { echoRequests } from "./echoRequests.ts";
import { fileRequests } from "./fileRequests.ts";
import { readPaths } from "./listRequests.ts";
import { refusedRequests } from "./refusedRequests.ts";
import { type Case, writeCases } from "./writeCases.ts";

/** Which two servers to compare, and which requests to draw. `path` replays one shrunk case. */
export interface DifferentialOptions {
  readonly direct: string;
  readonly through: string;
  readonly world: World;
  /** The callers' tokens on the other side, when it hands out its own. */
  readonly tokensThrough?: World["tokens"];
  readonly seed: number;
  readonly runs: number;
  readonly path?: string;
  /** PocketBase 0.40 and later: maps and picked fields have no fixed member order. */
  readonly ignoresMemberOrder?: boolean;
}

// PocketBase slows repeated empty filtered lists per client address, so requests come from several.
const ADDRESSES = Array.from({ length: 12 }, (_, i) => `127.0.0.${20 + i}`);

const callersOf = (world: World): fc.Arbitrary<WireRequest["headers"]> => {
  const { superuser, ada, ben } = world.tokens;
  const tokens = [
    ada,
    ben,
    superuser,
    `Bearer ${ada}`,
    `bearer ${superuser}`,
    "garbage",
    "Bearer ",
    `Token ${ada}`,
  ];
  const one = fc.constantFrom(...tokens).map((token) => [["Authorization", token]] as const);
  return fc.oneof(fc.constant([]), one);
};

const extras: fc.Arbitrary<WireRequest["headers"]> = fc.subarray([
  ["Origin", "https://app.example"],
  ["X-Gate", "blue"],
  ["Accept", "*/*"],
  ["Accept-Encoding", "gzip, deflate, br"],
  ["Connection", "keep-alive"],
] as const);

const casesOf = (world: World, host: string): fc.Arbitrary<Case> => {
  const reads = fc
    .tuple(fc.constantFrom("GET", "GET", "GET", "HEAD"), readPaths)
    .map(([method, path]) => ({ method, path }));
  const plain = fc.oneof(
    { weight: 5, arbitrary: reads },
    { weight: 3, arbitrary: fileRequests(world) },
    { weight: 2, arbitrary: echoRequests },
  );
  const drawn = fc.oneof(
    { weight: 6, arbitrary: plain.map((request): Case => ({ request })) },
    { weight: 1, arbitrary: writeCases(world) },
  );
  const called = fc.tuple(drawn, callersOf(world)).map(([one, caller]): Case => {
    return {
      ...one,
      request: { ...one.request, headers: [...(caller ?? []), ...(one.request.headers ?? [])] },
    };
  });
  const refused = refusedRequests.map((request): Case => ({ request }));
  const all = fc.oneof({ weight: 6, arbitrary: called }, { weight: 1, arbitrary: refused });
  return fc.tuple(all, extras).map(([one, extra]) => {
    // Hooks see the host of PocketBase itself behind a gateway, so both sides name that one.
    const headers = [["Host", host] as const, ...(extra ?? []), ...(one.request.headers ?? [])];
    return { ...one, request: { ...one.request, headers } };
  });
};

const show = (request: WireRequest): string => {
  const text = renderRequest(request, "host").toString("latin1");
  return text.length > 2_000 ? `${text.slice(0, 2_000)}...` : text;
};

/** Runs the comparison. Throws on the first difference, with the shrunk request and how to replay it. */
export const runDifferential = async (options: DifferentialOptions): Promise<void> => {
  using connections = new DisposableStack();
  const open = (url: string): WireConnection[] =>
    ADDRESSES.map((from) => connections.use(new WireConnection(url, from)));
  const pairs = { direct: open(options.direct), through: open(options.through) };
  const resetting = connections.use(new WireConnection(options.direct));
  let turn = 0;
  const pairsOfTokens = Object.entries(options.world.tokens).map(
    ([caller, token]) => [token, options.tokensThrough?.[caller as keyof World["tokens"]] ?? token] as const,
  );
  const swap = (text: string): string =>
    pairsOfTokens.reduce((done, [token, other]) => done.replaceAll(token, other), text);
  const translate = (request: WireRequest): WireRequest => ({
    ...request,
    path: swap(request.path),
    headers: (request.headers ?? []).map(([name, value]) => [name, swap(value)] as const),
  });
  const compare = async (one: Case): Promise<void> => {
    const at = turn++ % ADDRESSES.length;
    const [a, b] = [pairs.direct[at], pairs.through[at]];
    if (a === undefined || b === undefined) throw new Error("no connection");
    if (one.reset !== undefined) await resetting.send(one.reset);
    const direct = await a.send(one.request);
    if (one.reset !== undefined) await resetting.send(one.reset);
    const through = await b.send(translate(one.request));
    const found = differencesOf(direct, through, { ignoresMemberOrder: options.ignoresMemberOrder === true });
    if (found.length > 0) throw new Error(found.join("\n"));
  };
  const { seed, runs, path } = options;
  const parameters = path === undefined ? { seed, numRuns: runs } : { seed, numRuns: runs, path };
  const details = await fc.check(
    fc.asyncProperty(casesOf(options.world, new URL(options.direct).host), compare),
    parameters,
  );
  if (!details.failed) return;
  const shown = details.counterexample === null ? "" : show(details.counterexample[0].request);
  const replay = `HAPTA_SEED=${seed} HAPTA_RUNS=${runs} HAPTA_REPLAY=${details.counterexamplePath} bun test tests/differential`;
  const reason =
    details.errorInstance instanceof Error ? details.errorInstance.message : String(details.errorInstance);
  throw new Error(`${reason}\nrequest:\n${shown}\nreplay: ${replay}`, { cause: details.errorInstance });
};
