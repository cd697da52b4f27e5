// Serves the page and the two libraries it uses; the page talks to Hapta itself, from another origin.
// In two terminals: npm start
//                   npx bun examples/files/serve.ts
import { join } from "node:path";

const MODULES = join(import.meta.dir, "..", "..", "node_modules");
const FILES: Readonly<Record<string, string>> = {
  "/": join(import.meta.dir, "index.html"),
  "/page.css": join(import.meta.dir, "..", "page.css"),
  "/pocketbase.js": join(MODULES, "pocketbase", "dist", "pocketbase.es.mjs"),
  "/tus.js": join(MODULES, "tus-js-client", "dist", "tus.min.js"),
};

/** Serves the page on `port` (0 picks a free one). */
export const serveExample = (port: number): Bun.Server<undefined> =>
  Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch: (request) => {
      const file = FILES[new URL(request.url).pathname];
      return file === undefined ? new Response("Not found", { status: 404 }) : new Response(Bun.file(file));
    },
  });

if (import.meta.main) {
  const { url } = serveExample(5174);
  process.stdout.write(`Open ${url}\n`);
}
