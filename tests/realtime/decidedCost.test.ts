// How often PocketBase tells a change: once for everybody where Hapta decides, guests included, and else once more for each
// group of those who listen.
import { setDefaultTimeout, test } from "bun:test";
import { ADA, BEN, login, START_MS } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { startStallingProxy } from "../upstream/stallingProxy.ts";
import { asRoot, createCollections, listen } from "./support.ts";

setDefaultTimeout(2 * START_MS);
const WRITES = 5;
/** While the change feed renews its stream, both streams tell. */
const RENEWED_MS = 30_000;

test.each([
  [true, 1],
  [false, 4],
])(
  "with Realtime.Decide %p, each change for guests and two users is told %d times",
  async (Decide, times) => {
    await using pb = await startPocketBase();
    let told = "";
    using proxy = await startStallingProxy(pb.url, (part) => {
      told += part.toString("latin1");
    });
    await using hapta = await startHapta(proxy, { config: { Realtime: { Decide } } });
    const pair = { pb, hapta, url: hapta.url, [Symbol.asyncDispose]: async () => undefined };
    await createCollections(pair);
    const tokens = [undefined, undefined, await login(pair.url, ADA), await login(pair.url, BEN)];
    const streams = await Promise.all(
      tokens.map((token) => listen(pair.url, { token, topics: ["rt_public/*"] })),
    );
    let round = 0;
    await eventually(async () => {
      const title = `cost ${round++}.`;
      for (let n = 0; n < WRITES; n++)
        await asRoot(pair)("POST", "/api/collections/rt_public/records", { title });
      const heard = () => streams.every(({ text }) => text().split(title).length > WRITES);
      await eventually(heard, 2_000).catch(() => undefined);
      return heard() && told.split(title).length - 1 === times * WRITES;
    }, RENEWED_MS);
    for (const stream of streams) stream[Symbol.dispose]();
  },
);
