// CA5 without a server: what an answer for others is asked with.
import { expect, test } from "bun:test";
import type { Exchange } from "../exchange.ts";
import { requestFor } from "./cacheRequest.ts";

const CREDENTIAL = { kind: "token" };
const headers = [
  ["Accept", "text/html"],
  ["Origin", "https://app.example"],
  ["Cookie", "own=1"],
  ["X-Forwarded-Host", "evil.example"],
  ["X-Original-URL", "/evil"],
  ["Accept-Language", "xx"],
  ["Range", "bytes=0-3"],
  ["If-None-Match", "*"],
  ["Cache-Control", "no-cache"],
].flat();
const exchange = { method: "HEAD", headers, credential: CREDENTIAL } as unknown as Exchange;

test.each([
  ["everybody", { isShared: true, isAnonymous: true, left: 4 }],
  ["others of a kind", { isShared: true, isAnonymous: false, left: 4 }],
  ["the caller alone", { isShared: false, isAnonymous: false, left: 12 }],
] as const)("CA5 an answer for %s is asked with no more than it may depend on", (_, { left, ...how }) => {
  const request = requestFor(exchange, how);
  expect(request.headers).toEqual(headers.slice(0, left));
  expect(request.method).toBe("GET");
  expect(request.credential as unknown).toBe(how.isAnonymous ? undefined : CREDENTIAL);
});
