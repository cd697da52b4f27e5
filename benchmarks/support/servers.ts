// Servers that a benchmark compares, each in front of the same PocketBase: how they are started, found and ended.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startChild, waitUntilServing } from "../../tests/support/childProcess.ts";
import type { Hapta } from "../../tests/support/hapta.ts";
import { freePort } from "../../tests/support/scratch.ts";
import { killTree } from "./processTree.ts";
import { findTool } from "./tools.ts";
import type { BenchUpstream } from "./upstream.ts";

const START_MS = 20_000;

/** A running server under test. */
export interface Server<Name extends string = string> extends AsyncDisposable {
  readonly name: Name;
  readonly url: string;
  /** Root of the server's process tree. */
  readonly pid: number;
}

/** Where a proxy finds what, and where it may write. */
export interface Place {
  readonly port: number;
  readonly dir: string;
  /** `host:port` of PocketBase. */
  readonly authority: string;
}

/** How a proxy is started: with this text in a file, whose path comes behind `args`. */
export type ProxyConfig = (place: Place) => {
  readonly file: string;
  readonly text: string;
  readonly args: readonly string[];
};

/** PocketBase itself, which others end. */
export const borrowed = <Name extends string>(name: Name, { url, pid }: BenchUpstream): Server<Name> => ({
  name,
  url,
  pid,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

export const haptaServer = <Name extends string>(name: Name, hapta: Hapta): Server<Name> => ({
  name,
  url: hapta.url,
  pid: hapta.child.pid,
  [Symbol.asyncDispose]: () => hapta[Symbol.asyncDispose](),
});

/** What a program needs to start: a configuration file in a folder of its own, whose path comes behind `args`. */
export interface Program {
  readonly tool: string;
  readonly args: readonly string[];
  readonly dir: string;
  readonly file: string;
  readonly text: string;
  /** An address that answers 200 when it serves. */
  readonly probe: string;
}

/** Starts a program; it ends with this process at the latest. */
export const startProgram = async (program: Program): Promise<AsyncDisposable & { readonly pid: number }> => {
  const { tool, args, dir, file, text, probe } = program;
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, file), text);
  const command = [tool, ...args, join(dir, file)];
  const child = startChild({ command, cwd: dir, env: { XDG_DATA_HOME: dir } });
  // When the benchmark is interrupted: before the parent is killed, since its workers would outlive it.
  const end = (): void => killTree(child.pid);
  process.prependListener("exit", end);
  await waitUntilServing(child, probe, START_MS);
  return {
    pid: child.pid,
    [Symbol.asyncDispose]: async () => {
      await child[Symbol.asyncDispose]();
      process.off("exit", end);
    },
  };
};

/** Starts the program called `name` in front of PocketBase. @returns undefined when it is not installed. */
export const startProxy = async <Name extends string>(
  name: Name,
  upstream: BenchUpstream,
  config: ProxyConfig,
): Promise<Server<Name> | undefined> => {
  const tool = findTool(name);
  if (tool === undefined) return undefined;
  const port = await freePort();
  const dir = join(upstream.dir, `${name}-${port}`);
  const url = `http://127.0.0.1:${port}`;
  const configured = config({ port, dir, authority: new URL(upstream.url).host });
  const program = await startProgram({ tool, dir, probe: `${url}/api/health`, ...configured });
  return { name, url, ...program };
};
