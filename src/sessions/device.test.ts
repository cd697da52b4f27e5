import { expect, test } from "bun:test";
import { CHROME, FIREFOX } from "../../tests/support/sessionKit.ts";
import { labelOf, networkOf, newDid, readDid, renderDidCookie, toDevice } from "./device.ts";
import { systemRandom } from "./sources.ts";

const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1 Version/19.1 Mobile Safari/604.1";

test("labelOf names browser and system in words of its own", () => {
  expect([CHROME, FIREFOX, IPHONE, "curl/8.5", ""].map(labelOf)).toEqual([
    "Chrome on Windows",
    "Firefox on Linux",
    "Safari on iPhone",
    "curl",
    "Unknown device",
  ]);
});

test("SE3: labelOf lets nothing of a hostile User-Agent through", () => {
  const hostile = `x\n{"forged":1}\u001b[31m${"Chrome/1 ".repeat(2_000)}`;
  expect(labelOf(hostile)).toMatch(/^[A-Za-z. ]{0,40}$/);
});

test("AN4: toDevice does not see a new browser version", () => {
  const presenter = { userAgent: CHROME, address: "203.0.113.7" };
  const updated = { ...presenter, userAgent: CHROME.replace("140", "141") };
  expect(toDevice(updated)).toEqual(toDevice(presenter));
});

test("networkOf takes /24 and /48 and unmaps IPv4", () => {
  expect(networkOf("203.0.113.7")).toBe(networkOf("203.0.113.250"));
  expect(networkOf("::ffff:203.0.113.7")).toBe(networkOf("203.0.113.7"));
  expect(networkOf("203.0.114.7")).not.toBe(networkOf("203.0.113.7"));
  expect(networkOf("2001:db8:1::1")).toBe(networkOf("2001:db8:1:ffff::9"));
  expect(networkOf("2001:db8:2::1")).not.toBe(networkOf("2001:db8:1::1"));
  expect(networkOf("garbage")).toBe("");
});

test("readDid reads its own cookie once and nothing else", () => {
  const did = newDid(systemRandom);
  const secure = renderDidCookie(did, true);
  expect(secure).toStartWith(`__Host-hapta_did=${did}; Path=/;`);
  expect(secure).toContain("; HttpOnly; SameSite=Lax; Secure");
  const pair = secure.split(";")[0] ?? "";
  expect(readDid(`a=1; ${pair}; b=2`, true)).toBe(did);
  expect(readDid(`${pair}; ${pair}`, true)).toBeUndefined();
  expect(readDid(pair, false)).toBeUndefined();
  for (const value of ["", "short", `${did}x`, "a b"])
    expect(readDid(`hapta_did=${value}`, false)).toBeUndefined();
});

test("toDevice keeps a hash of the did, never the cookie", () => {
  const did = newDid(systemRandom);
  const device = toDevice({ did, userAgent: CHROME, address: "203.0.113.7" });
  expect(JSON.stringify(device)).not.toContain(did);
  expect(device.did).toHaveLength(16);
});
