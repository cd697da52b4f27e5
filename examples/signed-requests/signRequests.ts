// Signs every request of an unmodified PocketBase SDK client with an app's key, as docs/apps.md describes. Needs only
// WebCrypto: browsers, Node, Bun, Deno. Not for secrets that a browser is shown: those belong on a server.
import type PocketBase from "pocketbase";

const DIGEST_BYTES_MAX = 8 * 1024 * 1024;
const utf8 = new TextEncoder();
const base64 = (bytes: ArrayBuffer): string => btoa(String.fromCharCode(...new Uint8Array(bytes)));

export const signRequests = async (pb: PocketBase, id: string, secret: string): Promise<void> => {
  const hmac = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", utf8.encode(secret), hmac, false, ["sign"]);

  const signed = async (request: Request): Promise<Request> => {
    const { headers, method } = request;
    const { pathname, search } = new URL(request.url);
    const body = await request.clone().arrayBuffer();
    if (body.byteLength > 0 && body.byteLength <= DIGEST_BYTES_MAX)
      headers.set("content-digest", `sha-256=:${base64(await crypto.subtle.digest("SHA-256", body))}:`);
    const fields = ["authorization", "content-type", "content-digest"].filter((name) => headers.has(name));
    const parts = [
      ["@method", method],
      ["@path", pathname],
      ["@query", search || "?"],
    ];
    const covered = [...parts, ...fields.map((name) => [name, headers.get(name)])];
    const list = covered.map(([name]) => `"${name}"`).join(" ");
    const params = `(${list});created=${Math.floor(Date.now() / 1000)};nonce="${crypto.randomUUID()}";keyid="${id}"`;
    const base = [...covered, ["@signature-params", params]].map(([name, value]) => `"${name}": ${value}`);
    const mac = await crypto.subtle.sign(hmac.name, key, utf8.encode(base.join("\n")));
    headers.set("signature-input", `sig=${params}`);
    headers.set("signature", `sig=:${base64(mac)}:`);
    return request;
  };

  const send = async (to: string | URL | Request, init?: RequestInit): Promise<Response> =>
    fetch(await signed(new Request(to as string, init)));
  pb.beforeSend = (url, options) => ({ url, options: { ...options, fetch: send } });
};
