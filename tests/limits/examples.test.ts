// The set-ups of examples/limits: each is a valid config file, is explained in docs/limits.md, and does what it says.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import hackathonDemo from "../../examples/limits/hackathonDemo.ts";
import internalTool from "../../examples/limits/internalTool.ts";
import mobileCgnat from "../../examples/limits/mobileCgnat.ts";
import publicApp from "../../examples/limits/publicApp.ts";
import ssrBehindCdn from "../../examples/limits/ssrBehindCdn.ts";
import { parseCommand } from "../../src/settings.ts";
import { PROJECT_DIR } from "../support/scratch.ts";
import type { WireRequest } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { countOf, repeat, startLimited } from "./support.ts";

setDefaultTimeout(60_000);

const FOLDER = join(PROJECT_DIR, "examples", "limits");
const LIST = "/api/collections/posts/records";

const get = (path: string, address?: string): WireRequest => ({
  path,
  headers: address === undefined ? [] : [["X-Forwarded-For", address]],
});
const create = (collection: string): WireRequest => ({
  method: "POST",
  path: `/api/collections/${collection}/records`,
  headers: [["Content-Type", "application/json"]],
  body: "{}",
});

describe("examples/limits", () => {
  test.each(readdirSync(FOLDER))("%s is valid, and docs/limits.md leads to it", async (file) => {
    const command = await parseCommand({
      argv: ["--check-config", "--config", join(FOLDER, file)],
      env: {},
      cwd: FOLDER,
    });
    expect(command).toMatchObject({ kind: "print", exitCode: 0 });
    expect(readFileSync(join(PROJECT_DIR, "docs", "limits.md"), "utf8")).toContain(`examples/limits/${file}`);
  });

  test("a public app: sign-ups and posts are few, reading is free, and the trial refuses nobody", async () => {
    await using hapta = await startLimited(publicApp);
    expect(countOf(await hapta.statuses(repeat(8, create("users"))), 200)).toBe(5);
    expect(countOf(await hapta.statuses(repeat(8, create("comments"))), 200)).toBe(5);
    const answers = await hapta.statuses(repeat(150, get(LIST)));
    expect(countOf(answers, 200)).toBe(150);
    const policy = headOf(await hapta.send(get(LIST)), "ratelimit-policy");
    expect(policy).toBe('"default";q=600;w=60, "address";q=3000;w=60');
  });

  test("a renderer behind a CDN: each visitor counts, whatever a visitor writes himself", async () => {
    // The CDN's place is taken by this machine.
    const Network = { TrustedProxies: [...ssrBehindCdn.Network.TrustedProxies, "loopback"] };
    await using hapta = await startLimited({ ...ssrBehindCdn, Network });
    const login = (address: string): WireRequest => ({
      method: "POST",
      path: "/api/collections/users/auth-with-password",
      headers: [
        ["Content-Type", "application/json"],
        ["X-Forwarded-For", address],
      ],
      body: '{"identity":"a","password":"b"}',
    });
    const through = "104.16.1.1, 10.20.0.5";
    const logins = Array.from({ length: 14 }, (_, i) => login(`1.2.3.${i}, 203.0.113.7, ${through}`));
    expect(countOf(await hapta.statuses(logins), 200)).toBe(10);
    expect(await hapta.statuses([login(`203.0.113.8, ${through}`)])).toEqual([200]);
  });

  test("phones behind one address: guests are bounded by address, and the wide budget stays wide", async () => {
    await using hapta = await startLimited(mobileCgnat);
    const startedMs = performance.now();
    const passed = countOf(await hapta.statuses(repeat(320, get(LIST))), 200);
    // One comes back every 200 ms.
    expect(passed).toBeWithin(300, 302 + Math.floor((performance.now() - startedMs) / 200));
    expect(await hapta.statuses(repeat(50, get("/custom/x")))).toEqual(repeat(50, 200));
  });

  test("an internal tool: what is expensive is bounded for each, or for all together", async () => {
    await using hapta = await startLimited({
      ...internalTool,
      Network: { TrustedProxies: [...internalTool.Network.TrustedProxies, "loopback"] },
    });
    const reports = repeat(8, get("/custom/report/7", "192.0.2.1"));
    expect(countOf(await hapta.statuses(reports), 200)).toBe(6);
    expect(await hapta.statuses([get("/custom/report/7", "192.0.2.2")])).toEqual([200]);
    const exports = ["192.0.2.1", "192.0.2.2", "192.0.2.3"].map((address) => get("/custom/export", address));
    expect(await hapta.statuses(exports)).toEqual([200, 200, 429]);
  });

  test("a demo: the hall's one address may do a lot, the total is bounded", async () => {
    await using hapta = await startLimited(hackathonDemo);
    const startedMs = performance.now();
    const passed = countOf(await hapta.statuses(repeat(60, create("posts"))), 200);
    // One comes back every 100 ms.
    expect(passed).toBeWithin(50, 52 + Math.floor((performance.now() - startedMs) / 100));
    expect(await hapta.statuses(repeat(100, get(LIST)))).toEqual(repeat(100, 200));
  });
});
