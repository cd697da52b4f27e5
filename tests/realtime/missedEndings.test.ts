// A login that ends past Hapta while the change feed is away: whoever only listens with it is ended when the feed is back.
import { expect, setDefaultTimeout, test } from "bun:test";
import { startRelay } from "../cache/relay.ts";
import { ADA, BEN, login, START_MS } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { IDS, PASSWORD } from "../support/fixture/records.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { openSocket } from "../support/socket.ts";
import { gapsOf } from "./deciding.ts";
import { asRoot, listen } from "./support.ts";

setDefaultTimeout(2 * START_MS);

test.each([true, false])("with Realtime.Decide %p, on event streams, and on a WebSocket", async (Decide) => {
  await using pb = await startPocketBase();
  await using relay = await startRelay(pb.url);
  await using hapta = await startHapta(relay, { config: { Realtime: { Decide } } });
  const pair = { pb, hapta, url: hapta.url, [Symbol.asyncDispose]: async () => undefined };
  const topics = ["notices/*"];
  const token = await login(pair.url, BEN);
  using ben = await listen(pair.url, { token, topics });
  // It has subscribed nothing: no stream of PocketBase's and no topic of Hapta's is about its login.
  using idle = await openSocket(pair.url, { token });
  using ada = await listen(pair.url, { token: await login(pair.url, ADA), topics });
  const before = gapsOf(ada);
  relay.cutFeed();
  const password = { password: PASSWORD, passwordConfirm: PASSWORD };
  await asRoot(pair)("PATCH", `/api/collections/members/records/${IDS.ben}`, password);
  // At first PocketBase cannot say.
  const [question, asked] = ["POST /api/files/token", relay.count("POST /api/files/token")];
  const answer = relay.replace(question, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", true);
  relay.heal();
  await eventually(() => relay.count(question) > asked, 20_000);
  answer();
  await eventually(() => gapsOf(ada) > before, 20_000);
  await eventually(() => !ben.isOpen(), 20_000);
  expect(await idle.closed).toStartWith("4401");
  expect(ada.isOpen()).toBe(true);
});
