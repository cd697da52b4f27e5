// Serves the page, and Hapta's API below the same origin, as the proxy in front of a real app does.
// In two terminals: npm start -- --config examples/cookie-mode/config.ts
//                   npx bun examples/cookie-mode/serve.ts
import { join } from "node:path";

const SDK = join(import.meta.dir, "..", "..", "node_modules", "pocketbase", "dist", "pocketbase.es.mjs");
const PAGE = join(import.meta.dir, "index.html");
const STYLE = join(import.meta.dir, "..", "page.css");

/** Serves the page on `port` (0 picks a free one), in front of the Hapta at `haptaUrl`. */
export const serveExample = (haptaUrl: string, port: number): Bun.Server<undefined> =>
  Bun.serve({
    hostname: "127.0.0.1",
    port,
    // Realtime streams are silent for minutes.
    idleTimeout: 0,
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      if (pathname === "/") return new Response(Bun.file(PAGE));
      if (pathname === "/page.css") return new Response(Bun.file(STYLE));
      if (pathname === "/pocketbase.js") return new Response(Bun.file(SDK));
      const { body, headers, method } = request;
      return fetch(haptaUrl + pathname + search, { body, headers, method, redirect: "manual" });
    },
  });

if (import.meta.main) {
  const { url } = serveExample(process.argv[2] ?? "http://127.0.0.1:3599", 5173);
  process.stdout.write(`Open ${url}\n`);
}
