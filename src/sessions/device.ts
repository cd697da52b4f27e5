// Devices: the did cookie, what a User-Agent says (family and platform, never a version) and which network an
// address is near. A device is a signal for judging replays, never a proof of who somebody is.
import { createHash } from "node:crypto";
import ipaddr from "ipaddr.js";
import { readCookie, renderCookie } from "../utils/cookies.ts";
import { RecentMap } from "../utils/recentMap.ts";
import type { RandomSource } from "./sources.ts";

/** Who presents a token, as the request shows it. */
export interface Presenter {
  /** Value of the did cookie, when it came along and has its shape. */
  readonly did?: string | undefined;
  /** User-Agent as received; any text. */
  readonly userAgent: string;
  /** Client address in canonical form. */
  readonly address: string;
  /** Id of a confidential app whose request signature was verified (a server that renders for browsers). */
  readonly appId?: string | undefined;
  /** Thumbprint of the key whose proof came along and was verified (RFC 9449). */
  readonly jkt?: string | undefined;
}

/** A device as it is remembered. */
export interface DeviceKey {
  /** Hash of the did cookie; "" when it was missing although the family had one; undefined when there was none. */
  readonly did: string | undefined;
  /** Browser family and system, such as `chrome/windows`; `app:<id>` for a confidential app. */
  readonly platform: string;
  /** `/24` or `/48` the address lies in. */
  readonly network: string;
}

/** The device behind a request. About 2 us; not needed for a token that was seen before. */
export const toDevice = ({ did, userAgent, address, appId }: Presenter): DeviceKey => ({
  did: did === undefined ? undefined : hashDid(did),
  platform: appId === undefined ? platformOf(userAgent) : `app:${appId}`,
  network: networkOf(address),
});

/** Name of the cookie; the prefix (RFC 6265bis section 4.1.3.2) needs https. */
export const didCookieName = (isSecure: boolean): string => (isSecure ? "__Host-hapta_did" : "hapta_did");

const DID = /^[A-Za-z0-9_-]{22}$/;

/** A new value for the cookie: 128 random bits. */
export const newDid = (random: RandomSource): string => Buffer.from(random(16)).toString("base64url");

/** The did in a Cookie header; undefined when absent, malformed or present twice. */
export const readDid = (cookie: string, isSecure: boolean): string | undefined => {
  const value = readCookie(cookie, didCookieName(isSecure));
  return value !== undefined && DID.test(value) ? value : undefined;
};

/** The most a browser keeps a cookie: 400 days. */
const DID_SECONDS = 34_560_000;

/** The Set-Cookie value for a did. */
export const renderDidCookie = (did: string, isSecure: boolean): string =>
  renderCookie(didCookieName(isSecure), did, { maxAgeSeconds: DID_SECONDS, isSecure, sameSite: "Lax" });

const hashDid = (did: string): string =>
  createHash("sha256").update(`hapta-did/1|${did}`).digest("base64url").slice(0, 16);

// First match wins: nearly every browser also claims to be the ones before it.
const FAMILIES: readonly (readonly [RegExp, string])[] = [
  [/\bEdgA?\/|\bEdgiOS\//, "Edge"],
  [/\bOPR\/|\bOpera\b/, "Opera"],
  [/\bSamsungBrowser\//, "Samsung Internet"],
  [/\bFirefox\/|\bFxiOS\//, "Firefox"],
  [/\bHeadlessChrome\//, "Headless Chrome"],
  [/\bChrome\/|\bCriOS\/|\bChromium\//, "Chrome"],
  [/\bSafari\//, "Safari"],
  [/\bDart\//, "Dart"],
  [/\bokhttp\//i, "Android app"],
  [/\bCFNetwork\//, "Apple app"],
  [/^curl\//, "curl"],
  [/\bBun\//, "Bun"],
  [/^node\b|\bNode\.js\b|\bundici\b/i, "Node.js"],
  [/python/i, "Python"],
];

const SYSTEMS: readonly (readonly [RegExp, string])[] = [
  [/\biPhone\b|\biPod\b/, "iPhone"],
  [/\biPad\b/, "iPad"],
  [/\bAndroid\b/, "Android"],
  [/\bWindows\b/, "Windows"],
  [/\bCrOS\b/, "ChromeOS"],
  [/\bMac OS X\b|\bMacintosh\b|\bDarwin\b/, "macOS"],
  [/\bLinux\b|\bX11\b/, "Linux"],
];

/** Longest part of a User-Agent that is looked at, in characters. */
const AGENT_MAX = 512;

const firstMatch = (table: readonly (readonly [RegExp, string])[], text: string): string | undefined =>
  table.find(([pattern]) => pattern.test(text))?.[1];

const describe = (userAgent: string): readonly [string | undefined, string | undefined] => {
  const text = userAgent.slice(0, AGENT_MAX);
  return [firstMatch(FAMILIES, text), firstMatch(SYSTEMS, text)];
};

/** Platforms of recent short User-Agents, networks of recent addresses: 2,000 of each. */
const platforms = new RecentMap<string>(2_000);
const networks = new RecentMap<string>(2_000);

const platformOf = (userAgent: string): string => {
  const known = platforms.get(userAgent);
  if (known !== undefined) return known;
  const [family, system] = describe(userAgent);
  const platform = `${family ?? "other"}/${system ?? "other"}`.toLowerCase();
  if (userAgent.length <= AGENT_MAX) platforms.set(userAgent, platform);
  return platform;
};

/** A label such as `Chrome on Windows`, made only of words from this file: nothing a client sends gets into it. */
export const labelOf = (userAgent: string): string => {
  const [family, system] = describe(userAgent);
  if (family === undefined) return system ?? "Unknown device";
  return system === undefined ? family : `${family} on ${system}`;
};

/** The network an address is near: `/24` for IPv4 (mapped ones too), `/48` for IPv6; "" when it is no address. */
export const networkOf = (address: string): string => {
  const known = networks.get(address);
  if (known !== undefined) return known;
  const network = computeNetwork(address);
  // A text of any length is no key.
  if (network !== "") networks.set(address, network);
  return network;
};

const computeNetwork = (address: string): string => {
  if (!ipaddr.isValid(address)) return "";
  const parsed = ipaddr.process(address);
  const bytes = parsed.toByteArray();
  const kept = parsed.kind() === "ipv4" ? 3 : 6;
  return `${kept === 3 ? "4" : "6"}:${Buffer.from(bytes.slice(0, kept)).toString("hex")}`;
};
