// The deliberate differences that take a setting, an outage, or an upstream that does what PocketBase cannot be made
// to do. Rows of docs/differences.md, as in differences.test.ts.
import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { connect } from "node:net";
import { eventually } from "../support/eventually.ts";
import { type HaptaOptions, startHapta } from "../support/hapta.ts";
import { selectedTargets } from "../support/targets.ts";
import { exchange, sendRaw } from "../support/wire.ts";
import { headOf } from "../support/wireReader.ts";
import { statusAndCode } from "./rows.ts";

setDefaultTimeout(60_000);

type Respond = (request: Request) => Response | Promise<Response>;

/** Hapta in front of an upstream that answers as told; what that one is not asked for, PocketBase would not be. */
const start = async (respond: Respond, config: HaptaOptions["config"] = {}) => {
  const upstream = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: respond });
  const url = `http://127.0.0.1:${upstream.port}`;
  const hapta = await startHapta({ url }, { waitFor: "/hapta/live", config });
  return {
    url: hapta.url,
    upstreamUrl: url,
    async [Symbol.asyncDispose]() {
      await hapta[Symbol.asyncDispose]();
      await upstream.stop(true);
    },
  };
};

const ok: Respond = () => new Response("ok");

describe.skipIf(!selectedTargets().includes("hapta"))("differences by setting or upstream", () => {
  test("`Location` that names PocketBase's own address, or a private one", async () => {
    await using hapta = await start((request) => {
      const to = new URL(request.url).searchParams.get("to") ?? "";
      return new Response(null, { status: 302, headers: { Location: to } });
    });
    const follow = (to: string, ...headers: (readonly [string, string])[]) =>
      exchange(hapta.url, { path: `/x?to=${encodeURIComponent(to)}`, headers });
    expect(headOf(await follow(`${hapta.upstreamUrl}/_/`), "location")).toBe("/_/");
    expect(headOf(await follow("https://example.com/a"), "location")).toBe("https://example.com/a");
    const inside = "http://169.254.169.254/latest";
    expect(headOf(await follow(inside), "location")).toBe(inside);
    const outsider = ["X-Forwarded-For", "203.0.113.9"] as const;
    expect(statusAndCode(await follow(inside, outsider))).toBe("502 upstream_invalid");
  });

  test("`Host` outside `Security.Hosts`, body over `Server.MaxBodyBytes`", async () => {
    await using hapta = await start(ok, {
      Security: { Hosts: ["app.example"] },
      Server: { MaxBodyBytes: 1024 },
    });
    const ask = (host: string, bytes: number, chunkBytes?: number) =>
      exchange(hapta.url, {
        method: "POST",
        path: "/x",
        headers: [["Host", host]],
        body: "a".repeat(bytes),
        ...(chunkBytes === undefined ? {} : { chunkBytes }),
      });
    expect(statusAndCode(await ask("app.example:3599", 1024))).toBe("200");
    expect(statusAndCode(await ask("other.example", 1024))).toBe("421 host_unknown");
    expect(statusAndCode(await ask("app.example", 1025))).toBe("413 body_too_large");
    expect(statusAndCode(await ask("app.example", 2048, 512))).toBe("413 body_too_large");
  });

  test("Protocol upgrades (WebSocket in hooks)", async () => {
    await using hapta = await start(
      (request) => new Response(request.headers.get("upgrade") ?? "no upgrade"),
    );
    const headers = [
      ["Connection", "Upgrade"],
      ["Upgrade", "websocket"],
    ] as const;
    const answer = await exchange(hapta.url, { path: "/x", headers });
    expect(`${answer.status} ${answer.text}`).toBe("200 no upgrade");
  });

  test("PocketBase unreachable", async () => {
    await using hapta = await startHapta({ url: "http://127.0.0.1:9" }, { waitFor: "/hapta/live" });
    const answer = await exchange(hapta.url, { path: "/api/health" });
    expect(statusAndCode(answer)).toBe("502 upstream_unreachable");
    expect((await exchange(hapta.url, { path: "/hapta/ready" })).status).toBe(503);
  });

  test("Too many requests at once", async () => {
    const first = Promise.withResolvers<Response>();
    const hasArrived = Promise.withResolvers<void>();
    const respond: Respond = (request) => {
      if (!request.url.endsWith("/first")) return new Response("ok");
      hasArrived.resolve();
      return first.promise;
    };
    await using hapta = await start(respond, { Upstream: { MaxInFlight: 1, MaxQueued: 0 } });
    const waiting = exchange(hapta.url, { path: "/first" });
    await hasArrived.promise;
    const refused = await exchange(hapta.url, { path: "/second" });
    expect(statusAndCode(refused)).toBe("503 overloaded");
    expect(headOf(refused, "retry-after")).toMatch(/^[1-3]$/);
    first.resolve(new Response("ok"));
    expect((await waiting).status).toBe(200);
    expect((await exchange(hapta.url, { path: "/third" })).status).toBe(200);
  });

  test("Connections over `Server.MaxConnections`", async () => {
    await using hapta = await start(ok, { Server: { MaxConnections: 1 } });
    const request = "GET /hapta/live HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    const ask = async (): Promise<string> =>
      String(await sendRaw(hapta.url, request, 2_000).catch(() => "")).slice(0, 12);
    const holder = connect({ host: "127.0.0.1", port: Number(new URL(hapta.url).port) });
    await eventually(async () => (await ask()) === "", 5_000);
    holder.destroy();
    await eventually(async () => (await ask()) === "HTTP/1.1 200", 5_000);
  });
});
