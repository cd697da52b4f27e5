// A stranger against the cache: he can neither switch it off nor empty it by what he begins and does not finish, and no
// change of a rule opens a gap for somebody else's records.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { eventually } from "../support/eventually.ts";
import { type CacheKit, startCacheKit } from "./kit.ts";

setDefaultTimeout(120_000);

let kit: CacheKit;
beforeAll(async () => {
  kit = await startCacheKit({ ratelimit: { Max: 10, Duration: 60_000, IP: true, isEnabled: false } });
}, 60_000);
afterAll(() => kit[Symbol.asyncDispose]());

const NOTICE = "notices/records/notice000000003";

/** Sends the head of a write and a part of its body; the rest never comes. */
const beginWrite = async (path: string): Promise<Socket> => {
  const socket = connect(kit.hapta.port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const head = `POST /api/${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2000000\r\n\r\n`;
  socket.write(`${head}{"title":"`);
  return socket;
};

// A busy machine may hold up the feed for a moment, and nothing is a hit then; what was kept is one again afterwards.
const expectHits = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) {
    const status = await eventually(async () => {
      const { cacheStatus } = await kit.read(NOTICE);
      return !cacheStatus.endsWith("detail=feed") && cacheStatus;
    }, 10_000);
    expect(status).toBe("hapta; hit");
  }
};

describe("a stranger", () => {
  test("who holds 200 slow writes of the app's own routes open takes no hit from anybody", async () => {
    await kit.warm(NOTICE);
    const sockets = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        beginWrite(i % 2 === 0 ? "custom/never" : "collections/notices/records"),
      ),
    );
    try {
      await eventually(() => kit.relay.count("POST /api/c") > 0, 5_000);
      await expectHits(20);
      // What is asked for meanwhile is kept, too.
      expect((await kit.read("notices/records?perPage=13")).cacheStatus).toBe("hapta; fwd=miss; stored");
      expect((await kit.read("notices/records?perPage=13")).cacheStatus).toBe("hapta; hit");
    } finally {
      for (const socket of sockets) socket.destroy();
    }
  });

  test("who breaks off writes of unknown extent empties nothing", async () => {
    await kit.warm(NOTICE);
    for (let i = 0; i < 50; i++) (await beginWrite("custom/never")).destroy();
    const whole = connect(kit.hapta.port, "127.0.0.1");
    await once(whole, "connect");
    whole.write(
      "POST /api/custom/gone HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
    );
    whole.destroy();
    await kit.read("notices/records?perPage=14");
    await expectHits(5);
  });

  test("CA1 sees nothing of others when a rule was narrowed past Hapta a moment ago", async () => {
    await kit.write("PATCH collections/notices", { listRule: "@request.auth.id != ''" });
    const path = "notices/records?perPage=15";
    expect((await kit.warm(path, "ada")).text).toContain("title");
    expect((await kit.read(path, "ben")).cache).toBe("hit");
    await kit.behind("PATCH collections/notices", { listRule: "@request.auth.name = 'Ada'" });
    const cold = "notices/records?perPage=16";
    const [ada, ...others] = await Promise.all([
      kit.read(cold, "ada"),
      kit.read(cold, "ben"),
      kit.read(cold, "ben"),
    ]);
    expect(ada?.text).toContain("title");
    for (const { text } of [...others, await kit.read(cold, "ben")]) expect(text).not.toContain('"title"');
    await kit.write("PATCH collections/notices", { listRule: "" });
  });
});
