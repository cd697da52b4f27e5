// The docs for people and programs: `/`, `/api-reference`, their files, and `/openapi.json`.
import { Refusal } from "../../errors.ts";
import type { Exchange } from "../../exchange.ts";
import type { Answer } from "../../http/answer.ts";
import { OWN_HEADERS } from "../../http/ownHeaders.ts";
import type { Services } from "../../services.ts";
import { headerValue } from "../../utils/headers.ts";
import { assetOf } from "./assets.ts";
import type { Content } from "./content.ts";
import { createDescriptions } from "./description.ts";
import { isPage, PAGE_POLICY, renderPage } from "./pages.ts";

const ASSETS = "/hapta/assets/";

/** Answers the exchanges of the kind `docs`: GET and HEAD of the pages, the description and their files. */
export const createDocsRoutes = (services: Services): ((exchange: Exchange) => Promise<Answer>) => {
  const descriptionFor = createDescriptions(services);

  const describe = async (exchange: Exchange): Promise<Answer> => {
    const description = await descriptionFor(exchange.principal);
    // Others may see other operations, so nobody else may be given this one.
    const [vary, caching] = ["Authorization, Cookie, Accept-Encoding", "private, no-cache"];
    return send(exchange, description, { type: "application/json", vary, caching });
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
    return send(exchange, found, { type: found.type, vary: "Accept-Encoding", caching: "public, no-cache" });
  };

  return async (exchange) => {
    if (exchange.path === "/openapi.json") return await describe(exchange);
    return exchange.path.startsWith(ASSETS) ? await asset(exchange) : page(exchange);
  };
};

const PAGE_HEADERS = ["Referrer-Policy", "no-referrer", "Cross-Origin-Opener-Policy", "same-origin"];

interface Wording {
  readonly type: string;
  readonly vary: string;
  readonly caching: string;
}

const send = ({ headers: asked }: Exchange, content: Content, { type, vary, caching }: Wording): Answer => {
  const isGzip = takesGzip(headerValue(asked, "accept-encoding") ?? "");
  // Two codings are two representations, so they have two tags.
  const etag = isGzip ? `${content.etag.slice(0, -1)}-gzip"` : content.etag;
  const headers = ["ETag", etag, "Cache-Control", caching, "Vary", vary, ...OWN_HEADERS];
  const isKnown = (headerValue(asked, "if-none-match") ?? "")
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""))
    .includes(etag);
  if (isKnown) return { status: 304, headers, body: null };
  headers.push("Content-Type", type, ...(isGzip ? ["Content-Encoding", "gzip"] : []));
  return { status: 200, headers, body: isGzip ? content.gzipped : content.bytes };
};

/** Whether a client wants gzip: `gzip;q=0` is a no (RFC 9110 section 12.5.3). */
const takesGzip = (accepted: string): boolean => {
  const weight = /(?:^|,)[ \t]*gzip[ \t]*(?:;[ \t]*q=([0-9.]+)[ \t]*)?(?=,|$)/i.exec(accepted);
  return weight !== null && Number(weight[1] ?? 1) > 0;
};
