// Binds the sessions of an unmodified PocketBase SDK client to a key (DPoP, RFC 9449): a stolen token is worth nothing
// without it. Needs only WebCrypto: browsers, Node, Bun, Deno.
import type PocketBase from "pocketbase";

const utf8 = new TextEncoder();
const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
const encoded = (value: unknown): string => base64url(utf8.encode(JSON.stringify(value)));

/** @param keys - ECDSA P-256; see storedKey.js for one that a browser keeps and nobody can take away. */
export const bindToKey = async (pb: PocketBase, { privateKey, publicKey }: CryptoKeyPair): Promise<void> => {
  const { crv, kty, x, y } = await crypto.subtle.exportKey("jwk", publicKey);
  const header = encoded({ typ: "dpop+jwt", alg: "ES256", jwk: { crv, kty, x, y } });
  let nonce: string | undefined;

  const proofOf = async ({ headers, method, url }: Request): Promise<string> => {
    const token = headers.get("authorization")?.replace(/^(?:bearer|dpop) /i, "");
    const hash = token === undefined ? undefined : await crypto.subtle.digest("SHA-256", utf8.encode(token));
    const ath = hash === undefined ? undefined : base64url(new Uint8Array(hash));
    const iat = Math.floor(Date.now() / 1000);
    const claims = { jti: crypto.randomUUID(), htm: method, htu: url.split("?", 1)[0], iat, ath, nonce };
    const text = `${header}.${encoded(claims)}`;
    const signature = await crypto.subtle.sign(
      { name: "ECDSA", hash: "SHA-256" },
      privateKey,
      utf8.encode(text),
    );
    return `${text}.${base64url(new Uint8Array(signature))}`;
  };

  const send = async (to: string | URL | Request, init?: RequestInit): Promise<Response> => {
    for (let tries = 1; ; tries++) {
      const request = new Request(to as string, init);
      request.headers.set("DPoP", await proofOf(request));
      const response = await fetch(request);
      const next = response.headers.get("DPoP-Nonce");
      nonce = next ?? nonce;
      if (response.status !== 401 || next === null || tries === 2) return response;
    }
  };
  pb.beforeSend = (url, options) => ({ url, options: { ...options, fetch: send } });
};
