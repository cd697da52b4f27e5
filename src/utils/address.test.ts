// RL3, RL4 and their kin: who the client is, whatever it says about itself.
import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createClientResolver } from "./address.ts";
import { blockText } from "./addressBlocks.ts";

/** Resolves one hop with the given trusted blocks. */
const resolve = (trusted: readonly string[], peer: string, forwardedFor?: string) =>
  createClientResolver(trusted)({ peer, forwardedFor, isForwarded: forwardedFor !== undefined });

describe("RL3: an untrusted peer is known by its socket only", () => {
  const claims = [
    "127.0.0.1",
    "10.0.0.1",
    "::1",
    "garbage",
    "",
    ",",
    "127.0.0.1,127.0.0.1",
    Array(50).fill("10.0.0.9").join(", "),
    "::ffff:127.0.0.1",
  ];
  test.each(claims)("X-Forwarded-For: %p", (forwardedFor) => {
    for (const trusted of [[], ["198.51.100.0/24"], ["127.0.0.1"]]) {
      expect(resolve(trusted, "203.0.113.9", forwardedFor)).toMatchObject({
        address: "203.0.113.9",
        isPrivate: false,
      });
      expect(resolve(trusted, "::ffff:203.0.113.9", forwardedFor)).toMatchObject({
        address: "203.0.113.9",
        block: "203.0.113.9",
        isPrivate: false,
      });
    }
  });

  test("a private peer that forwards without being trusted is public, and is not the client it stands for", () => {
    const client = resolve([], "127.0.0.1", "127.0.0.1");
    expect(client).toEqual({
      address: "127.0.0.1",
      block: "127.0.0.1",
      isPrivate: false,
      isProxied: true,
      isSecure: false,
    });
    expect(resolve([], "::1", "203.0.113.9")).toEqual({
      address: "::1",
      block: "0:0:0:0::/64",
      isPrivate: false,
      isProxied: true,
      isSecure: false,
    });
  });

  test("a direct peer is itself", () => {
    expect(resolve([], "::ffff:127.0.0.1")).toEqual({
      address: "127.0.0.1",
      block: "127.0.0.1",
      isPrivate: true,
      isProxied: false,
      isSecure: false,
    });
    expect(resolve(["127.0.0.1"], "127.0.0.1")).toEqual({
      address: "127.0.0.1",
      block: "127.0.0.1",
      isPrivate: true,
      isProxied: false,
      isSecure: false,
    });
  });
});

describe("RL4: behind a trusted proxy the right-most untrusted entry counts", () => {
  const TRUSTED = ["10.0.0.0/8", "2001:db8::/32"];
  test.each([
    ["203.0.113.9", "203.0.113.9"],
    ["127.0.0.1, 203.0.113.9", "203.0.113.9"],
    ["10.0.0.1, 203.0.113.9", "203.0.113.9"],
    ["203.0.113.1, 203.0.113.9, 10.1.1.1", "203.0.113.9"],
    ["203.0.113.1,203.0.113.9 ,\t10.1.1.1,2001:db8::5", "203.0.113.9"],
    ["evil, 203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["1.1.1.1, ::ffff:203.0.113.9, ::ffff:10.0.0.1", "203.0.113.9"],
    ["127.0.0.1, 2001:4860::1", "2001:4860::1"],
  ])("%p is %p", (forwardedFor, address) => {
    for (const peer of ["10.0.0.2", "::ffff:10.0.0.2", "2001:db8::2"]) {
      expect(resolve(TRUSTED, peer, forwardedFor)).toEqual({
        address,
        block: blockText(address),
        isPrivate: false,
        isProxied: false,
        isSecure: false,
      });
    }
  });

  test.each([
    "",
    "garbage",
    "203.0.113.9:4711",
    "203.0.113.9, unknown",
    "unknown",
    ",",
    "127.1",
    "0x7f000001",
    "203.0.113.9,",
  ])(
    "an entry that is no address ends the walk at the proxy, which is then not private: %p",
    (forwardedFor) => {
      expect(resolve(TRUSTED, "10.0.0.2", forwardedFor)).toEqual({
        address: "10.0.0.2",
        block: "10.0.0.2",
        isPrivate: false,
        isProxied: true,
        isSecure: false,
      });
    },
  );

  test("a private client behind the proxy is private", () => {
    expect(resolve(TRUSTED, "10.0.0.2", "192.168.1.7")).toEqual({
      address: "192.168.1.7",
      block: "192.168.1.7",
      isPrivate: true,
      isProxied: false,
      isSecure: false,
    });
  });

  test("a trusted proxy that forwards, but not in X-Forwarded-For, is not the client", () => {
    const client = createClientResolver(TRUSTED)({
      peer: "10.0.0.2",
      forwardedFor: undefined,
      isForwarded: true,
    });
    expect(client).toEqual({
      address: "10.0.0.2",
      block: "10.0.0.2",
      isPrivate: false,
      isProxied: true,
      isSecure: false,
    });
  });

  test("no prefix an attacker sends changes who it is", () => {
    const entry = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.constantFrom("127.0.0.1", "10.0.0.1", "::1", "", "x", "2001:db8::1", "%", "::ffff:10.0.0.1"),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), (prefix) => {
        const client = resolve(TRUSTED, "10.0.0.2", [...prefix, "203.0.113.9", "10.3.3.3"].join(", "));
        expect(client).toEqual({
          address: "203.0.113.9",
          block: "203.0.113.9",
          isPrivate: false,
          isProxied: false,
          isSecure: false,
        });
      }),
    );
  });
});

describe("isSecure: only a trusted proxy can say https", () => {
  const secure = (trusted: string[], forwardedProto: string | undefined): boolean =>
    createClientResolver(trusted)({
      peer: "10.0.0.2",
      forwardedFor: "203.0.113.9",
      forwardedProto,
      isForwarded: true,
    }).isSecure;

  test("https from a trusted proxy, and from each of several", () => {
    for (const proto of ["https", "HTTPS", " https ", "https, https", "https,https"])
      expect(secure(["10.0.0.2"], proto)).toBe(true);
  });

  test("nothing else is https", () => {
    for (const proto of [
      undefined,
      "",
      "http",
      "http, https",
      "https, http",
      "https,",
      "httpsx",
      "https http",
    ])
      expect(secure(["10.0.0.2"], proto)).toBe(false);
    expect(secure([], "https")).toBe(false);
    expect(secure(["10.0.0.3"], "https")).toBe(false);
  });
});

test("who was resolved before changes nobody's answer, and who comes again is the same object", () => {
  const trusted = ["10.0.0.0/8"];
  const shared = createClientResolver(trusted);
  const peers = ["10.0.0.2", "10.0.0.3", "203.0.113.5", "::ffff:10.0.0.2"];
  const said = [undefined, "", "203.0.113.9", "203.0.113.10", "192.168.1.7, 10.0.0.9", "x".repeat(300)];
  const hops = peers.flatMap((peer) =>
    said.flatMap((forwardedFor) =>
      [undefined, "https", "http", "https\n203.0.113.9"].flatMap((forwardedProto) =>
        [true, false].map((isForwarded) => ({ peer, forwardedFor, forwardedProto, isForwarded })),
      ),
    ),
  );
  for (const hop of [...hops, ...hops.toReversed()])
    expect(shared(hop)).toEqual(createClientResolver(trusted)(hop));
  const hop = { peer: "10.0.0.2", forwardedFor: "203.0.113.9", isForwarded: true };
  expect(shared(hop)).toBe(shared({ ...hop }));
});

test("RL4: what clients make a proxy say is remembered of a bounded number", () => {
  const resolve = createClientResolver(["10.0.0.0/8"]);
  const first = { peer: "10.0.0.2", forwardedFor: "203.0.113.9", isForwarded: true };
  const before = resolve(first);
  for (let i = 0; i < 10_000; i++)
    resolve({ peer: "10.0.0.2", forwardedFor: `198.51.${i >> 8}.${i & 255}`, isForwarded: true });
  expect(resolve(first)).not.toBe(before);
  expect(resolve(first)).toEqual(before);
});
