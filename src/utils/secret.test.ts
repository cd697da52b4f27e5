import { expect, test } from "bun:test";
import { inspect } from "node:util";
import { Secret } from "./secret.ts";

test("Secret shows *** wherever it is printed and gives its text only to reveal()", () => {
  const secret = new Secret("hunter2hunter2");
  const printed = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }),
    Bun.inspect({ secret }),
  ];
  for (const text of printed) {
    expect(text).toContain("***");
    expect(text).not.toContain("hunter2");
  }
  expect(Object.keys(secret)).toEqual([]);
  expect(secret.reveal()).toBe("hunter2hunter2");
});
