// What is left after a crash: a real process, killed at once.
import { expect, setDefaultTimeout, test } from "bun:test";
import { startHapta } from "../support/hapta.ts";
import { createScratch } from "../support/scratch.ts";
import { WireConnection, type WireRequest } from "../support/wire.ts";
import { countOf, repeat } from "./support.ts";

setDefaultTimeout(120_000);

const LOGIN: WireRequest = {
  method: "POST",
  path: "/api/collections/users/auth-with-password",
  headers: [["Content-Type", "application/json"]],
  body: '{"identity":"a","password":"b"}',
};

test("after kill -9 logins start with half of their budget, everything else with all of it", async () => {
  using scratch = createScratch("limits-crash");
  const upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => Response.json({}) });
  // Forty units in an hour: eight logins, and nothing comes back meanwhile.
  const ratelimit = { Max: 40, Duration: 3_600_000, IP: true, isEnabled: true, Message: "Slow down." };
  const start = () =>
    startHapta(
      { url: `http://127.0.0.1:${upstream.port}` },
      { waitFor: "/hapta/live", config: { ratelimit }, env: { HAPTA_DATA_DIR: scratch.path } },
    );
  const passed = async (url: string, requests: readonly WireRequest[], from: string): Promise<number> => {
    using connection = new WireConnection(url, from);
    const statuses: number[] = [];
    for (const request of requests) statuses.push((await connection.send(request)).status);
    return countOf(statuses, 200);
  };
  {
    await using hapta = await start();
    expect(await passed(hapta.url, repeat(10, LOGIN), "127.0.0.2")).toBe(8);
    hapta.child.kill("SIGKILL");
    await hapta.child.exited;
  }
  {
    await using hapta = await start();
    expect(await passed(hapta.url, repeat(10, LOGIN), "127.0.0.2")).toBe(4);
    expect(await passed(hapta.url, repeat(10, LOGIN), "127.0.0.3")).toBe(4);
    expect(await passed(hapta.url, repeat(45, { path: "/x" }), "127.0.0.4")).toBe(40);
  }
  {
    // It ended well this time, so what was spent is known.
    await using hapta = await start();
    expect(await passed(hapta.url, [LOGIN], "127.0.0.3")).toBe(0);
    expect(await passed(hapta.url, repeat(10, LOGIN), "127.0.0.5")).toBe(8);
  }
  await upstream.stop(true);
});
