// Redirect URLs: one spelling, one meaning.
import { expect, test } from "bun:test";
import { isRedirectUrl, withParams } from "./redirectUrl.ts";

test.each([
  "https://app.example.com/welcome",
  "http://localhost:5173/",
  "http://127.0.0.1:3000/cb?x=1",
  "https://app.example.com",
  "myapp://login/done",
  "com.example.app://oauth",
])("%s is one", (url) => expect(isRedirectUrl(url)).toBe(true));

test.each([
  "",
  "/welcome",
  "//evil.example",
  "https:/app.example.com",
  "https:app.example.com",
  "HTTPS://app.example.com/",
  "https://APP.example.com/",
  "https://user@app.example.com/",
  "https://user:pass@app.example.com/",
  "https://app.example.com/#x",
  "https://app.example.com/a/../b",
  "https://app.example.com/a/..",
  "https://app.example.com/%2f%2fevil",
  "https://app.example.com\\@evil.example/",
  "https://app.example.com/\r\nx",
  "https://app.example.com/ x",
  "https://app.example.com/é",
  "https://app.example.com:443/",
  "javascript://x/%0aalert(1)",
  "data://x",
  "file:///etc/passwd",
  `https://app.example.com/${"x".repeat(2100)}`,
])("%s is none", (url) => expect(isRedirectUrl(url)).toBe(false));

test("parameters are added, escaped, and left out when there are none", () => {
  expect(withParams("myapp://x", { code: "a&b=c", state: undefined })).toBe("myapp://x?code=a%26b%3Dc");
  expect(withParams("https://a.example/?k=1", { code: "x" })).toBe("https://a.example/?k=1&code=x");
});
