import { expect, test } from "bun:test";
import { readOrigin } from "./webOrigin.ts";

test("readOrigin gives every spelling of an origin the same text", () => {
  for (const text of ["https://app.example", "HTTPS://APP.EXAMPLE:443", "https://App.Example:0443"])
    expect(readOrigin(text)).toBe("https://app.example");
  expect(readOrigin("http://app.example:80")).toBe("http://app.example");
  expect(readOrigin("http://app.example:443")).toBe("http://app.example:443");
  expect(readOrigin("http://[::1]:8080")).toBe("http://[::1]:8080");
  expect(readOrigin("capacitor://localhost")).toBe("capacitor://localhost");
});

test("readOrigin keeps apart what is not the same", () => {
  const texts = ["https://app.example", "http://app.example", "https://app.example:8443"];
  const more = ["https://www.app.example", "https://app.example.evil", "https://app.example."];
  expect(new Set([...texts, ...more].map(readOrigin)).size).toBe(6);
});

test("readOrigin refuses what no browser sends", () => {
  const bad = ["", "null", "*", "app.example", "https://", "https://app.example/", "https://a@app.example"];
  const worse = [
    "https://app.example:0",
    "https://app.example:65536",
    "https://app.example, https://b.example",
  ];
  const odd = [
    " https://app.example",
    "https://app.example\t",
    "https://bücher.example",
    "https://a b",
    "//app",
  ];
  for (const text of [...bad, ...worse, ...odd, "https://app.example?x", "https://app.example#x"])
    expect(readOrigin(text)).toBeUndefined();
});
