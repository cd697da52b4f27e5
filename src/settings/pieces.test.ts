import { expect, test } from "bun:test";
import { readAddressBlock, readHostName } from "./pieces.ts";

test.each([
  ["10.0.0.0/8", "10.0.0.0/8"],
  ["10.1.2.3/8", "10.0.0.0/8"],
  ["192.0.2.7", "192.0.2.7/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["fd00::/8", "fd00::/8"],
  ["FD00:0::1", "fd00::1/128"],
  ["::ffff:10.0.0.1", "::ffff:a00:1/128"],
])("readAddressBlock reads %s", (text, block) => {
  expect(readAddressBlock(text)).toBe(block);
});

test.each([
  "",
  "1",
  "10.1",
  "010.0.0.1",
  "0x7f.0.0.1",
  "256.0.0.1",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0.0/-1",
  "::/129",
  "fe80::1%eth0",
  "example.com",
  " 10.0.0.1",
])("readAddressBlock refuses %p", (text) => {
  expect(readAddressBlock(text)).toBeUndefined();
});

test.each([
  ["App.Example.com", "app.example.com"],
  ["localhost", "localhost"],
  ["192.0.2.7", "192.0.2.7"],
  ["::1", "[::1]"],
  ["[::1]", "[::1]"],
])("readHostName reads %s", (text, host) => {
  expect(readHostName(text)).toBe(host);
});

test.each(["", "http://a", "a:80", "a/b", "a..b", "-a.com", "a b", "[::1]:80", "a.".repeat(130)])(
  "readHostName refuses %p",
  (text) => {
    expect(readHostName(text)).toBeUndefined();
  },
);
