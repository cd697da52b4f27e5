// A stream from PocketBase that dies without a sign: something between drops what it carries and closes nothing.
import { expect, setDefaultTimeout, test } from "bun:test";
import { ADA, call, login, START_MS } from "../sessions/support.ts";
import { eventually } from "../support/eventually.ts";
import { startHapta } from "../support/hapta.ts";
import { startPocketBase } from "../support/pocketbase.ts";
import { startStallingProxy } from "../upstream/stallingProxy.ts";
import { listen } from "./support.ts";

setDefaultTimeout(START_MS);

test("is noticed within 10 s: clients stay, hear of the gap, and then events again", async () => {
  await using pb = await startPocketBase();
  using proxy = await startStallingProxy(pb.url);
  await using hapta = await startHapta({ url: proxy.url });
  using guest = await listen(hapta.url, { topics: ["notices/*"] });
  using ada = await listen(hapta.url, { token: await login(hapta.url, ADA), topics: ["notices/*"] });
  const write = (title: string): Promise<unknown> =>
    call(pb.url, { path: "/api/collections/notices/records", json: { title } });
  await write("before");
  for (const stream of [guest, ada]) await stream.contains("before");
  proxy.stall();
  await Promise.all(
    [guest, ada].map((stream) =>
      eventually(() => stream.text().split("event:PB_CONNECT").length === 3, 10_000),
    ),
  );
  await write("after");
  for (const stream of [guest, ada]) {
    await stream.contains("after");
    expect(stream.isOpen()).toBe(true);
    // The sign of life is nobody's business.
    expect(stream.text()).not.toContain("@oauth2");
  }
});
