// OA16 on the side of PocketBase's answers: what never ends, or is far too long, ends in nothing.
import { expect, test } from "bun:test";
import { createServer, type ServerResponse } from "node:http";
import { createOAuthCalls } from "./oauthCalls.ts";

const REDEMPTION = {
  collection: "members",
  provider: "oidc",
  code: "c",
  codeVerifier: "v",
  redirectUrl: "http://x",
  credential: undefined,
  visitor: { address: "203.0.113.1", userAgent: "test" },
};

const redeemAgainst = async (serve: (response: ServerResponse) => void) => {
  const server = createServer((_, response) => serve(response));
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : 0;
  try {
    return await createOAuthCalls(`http://127.0.0.1:${port}`, { redeemMs: 200 }).redeem(REDEMPTION);
  } finally {
    server.closeAllConnections();
    server.close();
  }
};

test("an answer that stalls, drips, floods, redirects or breaks off is none", async () => {
  const json = '{"token":"t"}';
  expect(await redeemAgainst((response) => response.end(json))).toEqual({
    status: 200,
    json: { token: "t" },
  });
  expect(await redeemAgainst(() => undefined)).toBeUndefined();
  const drip = (response: ServerResponse): void => {
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  };
  expect(await redeemAgainst(drip)).toBeUndefined();
  expect(await redeemAgainst((response) => response.end(Buffer.alloc(2_000_000, " ")))).toBeUndefined();
  expect(await redeemAgainst((response) => response.destroy())).toBeUndefined();
  const away = await redeemAgainst((response) =>
    response.writeHead(307, { Location: "http://127.0.0.1:1/" }).end(),
  );
  expect(away).toEqual({ status: 307, json: undefined });
});
