// The docs for people and programs: `/`, `/api-reference`, their files, and `/openapi.json`.
import { OWN_HEADERS, Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import type { Answer } from "../../http/answer.ts";
import type { Services } from "../../services.ts";
import { headerValue } from "../../utils/headers.ts";
import { assetOf } from "./assets.ts";
import { createDescriptions } from "./description.ts";
import { isPage, PAGE_POLICY, renderPage } from "./pages.ts";

const ASSETS = "/hapta/assets/";

/** Answers the exchanges of the kind `docs`: GET and HEAD of the pages, the description and their files. */
export const createDocsRoutes = (services: Services): ((exchange: Exchange) => Promise<Answer>) => {
  const descriptionFor = createDescriptions(services);

  const describe = async (exchange: Exchange): Promise<Answer> => {
    const { bytes, etag } = await descriptionFor(exchange.principal);
    // Others may see other operations, so nobody else may be given this one.
    const headers = ["Content-Type", "application/json", "Vary", "Authorization, Cookie"];
    return send(exchange, { bytes, etag, headers, caching: "private, no-cache" });
  };

  const page = (exchange: Exchange): Answer => {
    if (!isPage(exchange.path)) throw new Refusal("not_found");
    const html = Buffer.from(renderPage(exchange.path, services.isAdminClient(exchange.client)));
    const headers = [
      "Content-Type",
      "text/html; charset=utf-8",
      "Content-Security-Policy",
      PAGE_POLICY,
      ...PAGE_HEADERS,
    ];
    return { status: 200, headers: [...headers, "Cache-Control", "no-store", ...OWN_HEADERS], body: html };
  };

  const asset = async (exchange: Exchange): Promise<Answer> => {
    const found = await assetOf(exchange.path.slice(ASSETS.length));
    if (found === undefined) throw new Refusal("not_found");
    const isGzip = /\bgzip\b/.test(headerValue(exchange.headers, "accept-encoding") ?? "");
    const coding = isGzip ? ["Content-Encoding", "gzip"] : [];
    return send(exchange, {
      bytes: isGzip ? found.gzipped : found.bytes,
      // Two codings are two representations, so they have two tags.
      etag: isGzip ? `${found.etag.slice(0, -1)}-gzip"` : found.etag,
      headers: ["Content-Type", found.type, "Vary", "Accept-Encoding", ...coding],
      caching: "public, no-cache",
    });
  };

  return async (exchange) => {
    if (exchange.path === "/openapi.json") return await describe(exchange);
    return exchange.path.startsWith(ASSETS) ? await asset(exchange) : page(exchange);
  };
};

const PAGE_HEADERS = ["Referrer-Policy", "no-referrer", "Cross-Origin-Opener-Policy", "same-origin"];

interface Sent {
  readonly bytes: Uint8Array;
  readonly etag: string;
  readonly headers: readonly string[];
  readonly caching: string;
}

const send = ({ headers: asked }: Exchange, { bytes, etag, headers, caching }: Sent): Answer => {
  const shared = [
    "ETag",
    etag,
    "Cache-Control",
    caching,
    "X-Content-Type-Options",
    "nosniff",
    ...OWN_HEADERS,
  ];
  const isKnown = (headerValue(asked, "if-none-match") ?? "")
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""))
    .includes(etag);
  if (isKnown) return { status: 304, headers: shared, body: null };
  return { status: 200, headers: [...headers, ...shared], body: bytes };
};
