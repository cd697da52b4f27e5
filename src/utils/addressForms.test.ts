// Addresses as texts: how they are read, which are private, and which lie in a block.
import { describe, expect, test } from "bun:test";
import { createAddressTest, isPrivateAddress, parseAddress } from "./address.ts";

describe("parseAddress", () => {
  test.each([
    ["1.2.3.4", "1.2.3.4"],
    ["::ffff:1.2.3.4", "1.2.3.4"],
    ["::FFFF:0102:0304", "1.2.3.4"],
    ["0:0:0:0:0:ffff:1.2.3.4", "1.2.3.4"],
    ["2001:DB8::0001", "2001:db8::1"],
    ["fe80::1%eth0", "fe80::1"],
  ])("%p is the client %p", (text, canonical) => {
    expect(parseAddress(text)).toBe(canonical);
  });

  // Shorthands that some parsers read as loopback and others as something else.
  test.each([
    "",
    " ",
    "localhost",
    "1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.0.0.1",
    "0177.0.0.1",
    "010.0.0.1",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4:80",
    "[::1]",
    "[::1]:80",
    "::1%",
    "1.2.3.4/8",
    ":::",
    "12345::",
    "::ffff:1.2.3",
    "１.2.3.4",
    "1.2.3.4\0",
    "unknown",
    "_hidden",
    "-",
  ])("%p is no address", (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });
});

describe("isPrivateAddress", () => {
  test.each([
    "127.0.0.1",
    "127.255.255.255",
    "10.0.0.0",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.1.1",
    "::1",
    "fc00::1",
    "fdff::1",
    "fe80::1",
    "::ffff:10.0.0.1",
    "::ffff:7f00:1",
  ])("%p is", (address) => expect(isPrivateAddress(address)).toBe(true));

  test.each([
    "0.0.0.0",
    "9.255.255.255",
    "11.0.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.167.1.1",
    "192.169.0.1",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "2001:db8::1",
    "2002:7f00:1::",
    "64:ff9b::7f00:1",
    "::127.0.0.1",
    "::ffff:8.8.8.8",
    "ff02::1",
    "2001::1",
    "",
    "localhost",
    "2130706433",
    "0x7f.1",
  ])("%p is not", (address) => expect(isPrivateAddress(address)).toBe(false));
});

describe("createAddressTest", () => {
  test("matches blocks and single addresses, mapped or not", () => {
    const isIn = createAddressTest(["10.0.0.0/8", "203.0.113.9", "2001:db8::/32", "::1"]);
    for (const address of ["10.255.0.1", "::ffff:10.1.1.1", "203.0.113.9", "2001:db8:ffff::1", "::1"])
      expect(isIn(address)).toBe(true);
    for (const address of ["11.0.0.1", "203.0.113.10", "2001:db9::1", "::2", "", "10.1", "0x0a000001"])
      expect(isIn(address)).toBe(false);
  });

  test("a mapped IPv6 block is the IPv4 block it maps", () => {
    const isIn = createAddressTest(["::ffff:10.0.0.0/104", "::ffff:203.0.113.9"]);
    expect([isIn("10.9.9.9"), isIn("203.0.113.9"), isIn("11.0.0.1")]).toEqual([true, true, false]);
  });

  test("nothing is in no blocks", () => expect(createAddressTest([])("127.0.0.1")).toBe(false));
});
