// Every row of docs/differences.md that a request can show is shown here, on PocketBase and through Hapta.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { loginCallers, type World } from "../support/fixture/load.ts";
import { type Hapta, startHapta } from "../support/hapta.ts";
import { type PocketBase, startPocketBase } from "../support/pocketbase.ts";
import { PROJECT_DIR } from "../support/scratch.ts";
import { selectedTargets } from "../support/targets.ts";
import { exchange, sendRaw } from "../support/wire.ts";
import { DIFFERENCES, statusAndCode } from "./rows.ts";

setDefaultTimeout(60_000);

const OWN = ["tests/differences/differences.test.ts", "tests/differences/configured.test.ts"];
const UNTESTED = "no test yet";

/** First and last cell of every table row: what differs, and what holds it. */
const documented = readFileSync(join(PROJECT_DIR, "docs/differences.md"), "utf8")
  .split("\n")
  .filter((line) => line.startsWith("| ") && !line.startsWith("| ---") && !line.startsWith("| What "))
  .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
  .map((cells) => ({ what: cells[1] ?? "", heldBy: cells.at(-2) ?? "" }));

/** Rows that take more than one request, or an upstream or a setting of their own: below and in configured.test.ts. */
const SHOWN_OTHERWISE = [
  "`Location` that names PocketBase's own address",
  "`Location` that names a private address, for public clients",
  "`Host` missing in HTTP/1.0",
  "`Host` outside `Security.Hosts`, when that is set",
  "Framing that two parsers could read differently",
  "Protocol upgrades (WebSocket in hooks)",
  "Body over `Server.MaxBodyBytes`",
  "PocketBase unreachable",
  "Too many requests at once",
  "Connections over `Server.MaxConnections`",
];

test("docs/differences.md names the rows that are tested here, in their order", () => {
  const own = documented.filter(({ heldBy }) => OWN.includes(heldBy)).map(({ what }) => what);
  expect(own.filter((what) => !SHOWN_OTHERWISE.includes(what))).toEqual(DIFFERENCES.map(({ what }) => what));
  expect(own.filter((what) => SHOWN_OTHERWISE.includes(what))).toEqual(SHOWN_OTHERWISE);
});

test("docs/differences.md names only tests that exist, or says that there is none", () => {
  expect(documented.length).toBeGreaterThan(DIFFERENCES.length);
  const unknown = documented.filter(
    ({ heldBy }) => heldBy !== UNTESTED && !existsSync(join(PROJECT_DIR, heldBy)),
  );
  expect(unknown).toEqual([]);
});

describe.skipIf(!selectedTargets().includes("hapta"))("differences", () => {
  let upstream: PocketBase;
  let hapta: Hapta;
  let world: World;
  beforeAll(async () => {
    upstream = await startPocketBase();
    hapta = await startHapta(upstream);
    world = { ...upstream.world, tokens: await loginCallers(hapta.url) };
  });
  afterAll(async () => {
    await hapta[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  for (const row of DIFFERENCES) {
    test(row.what, async () => {
      const request = typeof row.request === "function" ? row.request(upstream.world) : row.request;
      const view = row.view ?? statusAndCode;
      expect(view(await exchange(upstream.url, request))).toBe(row.pocketbase);
      const through = typeof row.request === "function" ? row.request(world) : row.request;
      expect(view(await exchange(hapta.url, through))).toBe(row.hapta);
    });
  }

  const FRAMINGS = {
    "a folded header": "GET /api/health HTTP/1.1\r\nHost: a\r\nX-A: b\r\n c\r\nConnection: close\r\n\r\n",
    "two equal lengths":
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    "a length beside chunks":
      "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
  };
  test("`Host` missing in HTTP/1.0", async () => {
    const bytes = "GET /api/health HTTP/1.0\r\n\r\n";
    expect(String(await sendRaw(upstream.url, bytes, 5_000))).toMatch(/^HTTP\/1\.0 200 /);
    expect(String(await sendRaw(hapta.url, bytes, 5_000))).toMatch(/^HTTP\/1\.1 400 /);
  });

  for (const [name, bytes] of Object.entries(FRAMINGS)) {
    test(`Framing that two parsers could read differently: ${name}`, async () => {
      const direct = await sendRaw(upstream.url, bytes, 5_000);
      const through = await sendRaw(hapta.url, bytes, 5_000);
      expect(direct.toString("latin1")).toMatch(/^HTTP\/1\.1 (?:200|404) /);
      expect(through.toString("latin1")).toMatch(
        /^HTTP\/1\.1 400 [\s\S]*\r\nX-Hapta-Error: request_malformed\r\n/,
      );
    });
  }
});
