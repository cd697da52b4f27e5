// Writes that Hapta makes at PocketBase itself, on a client's behalf, count as those do that it passes on: OAuth2 logins
// and resumable uploads. The change feed says nothing meanwhile.
import { expect, setDefaultTimeout, test } from "bun:test";
import { bytesOf, call, metadata, patch } from "../files/tusKit.ts";
import { startOpenIdProvider } from "../oauth/provider.ts";
import { APP_PAGE, Browser, oidcOptions, patchMembers } from "../oauth/support.ts";
import { eventually } from "../support/eventually.ts";
import { startCacheKit } from "./kit.ts";

setDefaultTimeout(60_000);

test("law 3: an account that an OAuth2 login has made is in the next list", async () => {
  await using kit = await startCacheKit({ OAuth2: { RedirectURLs: [APP_PAGE] } });
  const { hapta, relay, upstream } = kit;
  await using provider = await startOpenIdProvider({
    redirectUris: [`${hapta.url}/auth/oauth2/callback`, APP_PAGE],
    sub: () => "zoe",
    denies: () => false,
  });
  await patchMembers(upstream, {
    listRule: "",
    oauth2: { enabled: true, providers: [oidcOptions("oidc", provider.url)] },
  });
  const list = "members/records?perPage=50";
  await eventually(async () => (await kit.read(list)).text.includes("totalItems"), 10_000);
  const before = JSON.parse((await kit.warm(list)).text) as { totalItems: number };
  const release = relay.hold("GET /api/realtime");
  const start = `${hapta.url}/auth/oauth2/members/oidc?${new URLSearchParams({ redirect: APP_PAGE })}`;
  expect(await new Browser().follow(start, [APP_PAGE])).toStartWith(APP_PAGE);
  expect((await kit.read(list)).text).toContain(`"totalItems":${before.totalItems + 1}`);
  release();
});

test("whoever has seen a resumable upload before it counts is not given the record without it afterwards", async () => {
  await using kit = await startCacheKit();
  const notice = "notices/records/notice000000001";
  await kit.warm(notice);
  const bytes = bytesOf(1_000);
  const token = kit.tokens.ada;
  const made = await call(`${kit.hapta.url}/files/tus`, "POST", {
    token,
    headers: { "Upload-Length": "1000", "Upload-Metadata": metadata("notice000000001") },
  });
  expect(made.status).toBe(201);
  const place = new URL(made.headers.get("location") ?? "", kit.hapta.url).href;
  const lets = [kit.relay.hold("GET /api/realtime"), kit.relay.hold("PATCH /api/collections/")];
  const sent = patch(place, [0, bytes], { token });
  await eventually(
    async () => (await kit.behind(`GET collections/${notice}`)).text.includes("part_"),
    10_000,
  );
  expect((await kit.read(notice, "superuser")).text).toContain("part_");
  expect((await kit.read(notice)).text).toContain("part_");
  for (const release of lets) release();
  expect((await sent).status).toBe(204);
});
