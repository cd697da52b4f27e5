// Syntax of Host.
import { expect, test } from "bun:test";
import { hostName } from "./host.ts";

test.each([
  ["app.test", "app.test"],
  ["APP.test:8080", "app.test"],
  ["app.test.", "app.test"],
  ["app.test.:80", "app.test"],
  ["127.0.0.1:1", "127.0.0.1"],
  ["[::1]", "[::1]"],
  ["[2001:DB8::1]:443", "[2001:db8::1]"],
  ["my_host-1", "my_host-1"],
])("%p names %p", (value, name) => expect(hostName(value)).toBe(name));

test.each([
  "",
  " ",
  ".",
  "-a",
  "a b",
  "a,b",
  "a/b",
  "a?b",
  "a#b",
  "a@b",
  "a:b",
  "a:",
  "a:123456",
  "a:80:80",
  "[::1",
  "::1",
  "[]",
  "[::1]x",
  "[::1]:",
  "[v1.x]",
  "ü.test",
  "a%20b",
  "a\\b",
  "a\nb",
  "x".repeat(254),
])("%p is no host", (value) => expect(hostName(value)).toBeUndefined());
