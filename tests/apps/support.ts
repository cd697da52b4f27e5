// Signatures and proofs made by hand, so that tests can make wrong ones too. Written from RFC 9421 and RFC 9449, without
// the code under test.
import { createHash, createHmac, generateKeyPairSync, type KeyObject, randomUUID, sign } from "node:crypto";
import type { WireRequest } from "../support/wire.ts";

/** Apps of the tests' settings. */
export const MOBILE = { Id: "mobile", Secret: "mobile-secret-0123456789-abcdefghij" };
export const SERVER = { Id: "server", Secret: "server-secret-0123456789-abcdefghij" };

/** What is signed, and with what; everything may be wrong. */
export interface Signing {
  readonly id?: string;
  readonly secret?: string;
  readonly created?: number;
  readonly nonce?: string;
  /** Names of components to leave out. */
  readonly without?: readonly string[];
}

type Fields = readonly (readonly [string, string])[];

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("base64");

/** The request with a signature on it. */
export const signed = (request: WireRequest, signing: Signing = {}): WireRequest => {
  const { id = MOBILE.Id, secret = MOBILE.Secret, nonce = randomUUID(), without = [] } = signing;
  const { created = Math.floor(Date.now() / 1000) } = signing;
  const fields: (readonly [string, string])[] = [...(request.headers ?? [])];
  if (request.body !== undefined && !without.includes("content-digest"))
    fields.push(["Content-Digest", `sha-256=:${sha256(request.body)}:`]);
  const [path = "", query = ""] = request.path.split("?");
  const covered: (readonly [string, string])[] = [
    ["@method", request.method ?? "GET"],
    ["@path", path],
    ["@query", `?${query}`],
  ];
  for (const name of ["authorization", "content-type", "content-digest"]) {
    const value = fields.find(([field]) => field.toLowerCase() === name)?.[1];
    if (value !== undefined) covered.push([name, value]);
  }
  const kept = covered.filter(([name]) => !without.includes(name));
  const list = kept.map(([name]) => `"${name}"`).join(" ");
  const params = `(${list});created=${created};nonce="${nonce}";keyid="${id}"`;
  const base = [...kept, ["@signature-params", params] as const].map(
    ([name, value]) => `"${name}": ${value}`,
  );
  const mac = createHmac("sha256", secret).update(base.join("\n")).digest("base64");
  return {
    ...request,
    headers: [...fields, ["Signature-Input", `sig=${params}`], ["Signature", `sig=:${mac}:`]],
  };
};

/** A POST with a JSON body and a token. */
export const jsonRequest = (path: string, json: unknown, token?: string): WireRequest => {
  const headers: Fields = [["Content-Type", "application/json"]];
  return {
    method: "POST",
    path,
    headers: token === undefined ? headers : [...headers, ["Authorization", token]],
    body: JSON.stringify(json),
  };
};

/** Claims and header members that a proof has instead of the right ones; undefined leaves one out. */
export interface ProofChange {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly claims?: Readonly<Record<string, unknown>>;
}

/** Somebody who holds a key. */
export interface KeyHolder {
  readonly jkt: string;
  readonly privateJwk: Readonly<Record<string, unknown>>;
  /** The latest nonce heard. */
  nonce: string | undefined;
  proof(url: string, request: WireRequest, change?: ProofChange): string;
}

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export const createKeyHolder = (): KeyHolder => {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { crv, kty, x, y } = publicKey.export({ format: "jwk" });
  const holder: KeyHolder = {
    jkt: createHash("sha256").update(JSON.stringify({ crv, kty, x, y })).digest("base64url"),
    privateJwk: { ...privateKey.export({ format: "jwk" }) },
    nonce: undefined,
    proof: (url, { method = "GET", path, headers = [] }, { header = {}, claims = {} } = {}) => {
      const token = headers.find(([name]) => name.toLowerCase() === "authorization")?.[1];
      const bare = token?.replace(/^(?:bearer|dpop) /i, "");
      const text = [
        encoded({ typ: "dpop+jwt", alg: "ES256", jwk: { crv, kty, x, y }, ...header }),
        encoded({
          jti: randomUUID(),
          htm: method,
          htu: `${url}${path.split("?", 1)[0]}`,
          iat: Math.floor(Date.now() / 1000),
          ath: bare === undefined ? undefined : createHash("sha256").update(bare).digest("base64url"),
          nonce: holder.nonce,
          ...claims,
        }),
      ].join(".");
      return `${text}.${signJwt(privateKey, text)}`;
    },
  };
  return holder;
};

const signJwt = (key: KeyObject, text: string): string =>
  sign("sha256", Buffer.from(text), { key, dsaEncoding: "ieee-p1363" }).toString("base64url");
