// TK2 over whole suites: `tests/support/tokenScan.ts` finds a token of PocketBase's in whatever a client is shown. Here it is
// shown finding some; tests/parity and tests/sdk run with it.
import { expect, test } from "bun:test";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startTokenScan } from "../support/tokenScan.ts";

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const tokenOf = (signature: string): string =>
  `${part({ alg: "HS256", typ: "JWT" })}.${part({ id: "x", type: "auth" })}.${signature.repeat(43)}`;

/** A PocketBase that hands out a token, and a gateway that shows what `show` makes of it, in pieces. */
const scanned = async (show: (token: string) => string, sent = ""): Promise<Error | undefined> => {
  await using upstream = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => new Response(tokenOf("a")),
  });
  const scan = await startTokenScan(`http://127.0.0.1:${upstream.port}`);
  const gateway = createServer(async (_, response) => {
    const text = show(await (await fetch(scan.upstreamUrl)).text());
    response.write(text.slice(0, 20));
    setImmediate(() => response.end(text.slice(20)));
  });
  await new Promise<void>((resolve) => {
    gateway.listen(0, "127.0.0.1", resolve);
  });
  const { port } = gateway.address() as AddressInfo;
  const url = await scan.before(`http://127.0.0.1:${port}`);
  await (await fetch(url, { headers: { Authorization: sent } })).text();
  expect(scan.issued()).toBe(1);
  const fault = await scan.close().then(
    () => undefined,
    (error: Error) => error,
  );
  gateway.close();
  return fault;
};

test("a token that is shown, alone or within something else, is found; Hapta's and one the client sent are not", async () => {
  expect(await scanned((token) => `data: ${token}\n`)).toBeInstanceOf(Error);
  expect(await scanned((token) => token)).toBeInstanceOf(Error);
  expect(await scanned(() => tokenOf("b"))).toBeUndefined();
  expect(await scanned((token) => token, tokenOf("a"))).toBeUndefined();
});
