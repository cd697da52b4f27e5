// The shell of Hapta's few pages for people: one style, no script from elsewhere, a policy that allows nothing else.
// Knows no flow; texts are escaped here.
import { createHash } from "node:crypto";
import type { Answer } from "../../http/answer.ts";
import { OWN_HEADERS } from "../../http/ownHeaders.ts";

/** What a page shows. */
export interface PageParts {
  readonly status?: number;
  readonly title: string;
  /** HTML of the card, made with {@link html}. */
  readonly content: Html;
  /** Runs when the page is shown. */
  readonly script?: string;
  /** Goes there at once; http(s). */
  readonly goesTo?: string;
  /** More headers: name, value, name, value... */
  readonly headers?: readonly string[];
}

/** Text that is HTML already. */
export interface Html {
  readonly html: string;
}

const escaped = (text: string): string =>
  text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

/** HTML with every value escaped, but for those that are HTML already. */
export const html = (strings: TemplateStringsArray, ...values: readonly (string | Html)[]): Html => {
  const texts = values.map((value) => (typeof value === "string" ? escaped(value) : value.html));
  return { html: strings.reduce((whole, part, index) => whole + part + (texts[index] ?? ""), "") };
};

/** Pieces of HTML one after the other. */
export const joined = (pieces: readonly Html[]): Html => ({
  html: pieces.map((piece) => piece.html).join(""),
});

const STYLE = `
:root{color-scheme:light dark;--ink:#1c2530;--soft:#5a6675;--paper:#f3f5f8;--card:#fff;--line:#d5dbe3;--key:#1f5fbf;--on:#fff;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#eef2f6;--soft:#a6b1be;--paper:#11161c;--card:#1b222b;--line:#37424f;--key:#8ab4f8;--on:#0c1a2e;--bad:#f2b8b5}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;min-height:100dvh;display:grid;place-items:center;padding:1rem;background:var(--paper);color:var(--ink);font:1rem/1.5 system-ui,sans-serif}
main{width:100%;max-width:26rem;padding:2rem 1.5rem;background:var(--card);border:1px solid var(--line);border-radius:1rem;overflow-wrap:anywhere}
h1{margin:0 0 .75rem;font-size:1.375rem;line-height:1.25}
p{margin:0 0 1rem;color:var(--soft)}
.code{margin:0 0 1rem;padding:.75rem;border:1px dashed var(--line);border-radius:.75rem;text-align:center;font:600 1.75rem/1.2 ui-monospace,monospace;letter-spacing:.1em;color:var(--ink)}
dl{margin:0 0 1rem;display:grid;grid-template-columns:auto 1fr;gap:.25rem 1rem}
dt{color:var(--soft)}
dd{margin:0;font-weight:600}
label{display:block;margin:0 0 .25rem;font-weight:600}
input{width:100%;margin:0 0 1rem;padding:.75rem;border:1px solid var(--line);border-radius:.75rem;background:transparent;color:inherit;font:600 1.25rem/1.2 ui-monospace,monospace;letter-spacing:.1em;text-transform:uppercase}
button,a.button{display:block;width:100%;margin:0 0 .75rem;padding:.75rem 1rem;min-height:3rem;border:1px solid var(--key);border-radius:.75rem;background:var(--key);color:var(--on);font:600 1rem/1.5 system-ui,sans-serif;text-align:center;text-decoration:none;cursor:pointer}
button.quiet{background:transparent;color:var(--ink);border-color:var(--line)}
main>:last-child,form>:last-child{margin:0}
:focus-visible{outline:3px solid var(--key);outline-offset:2px}
.code.small{font-size:1rem;letter-spacing:0}
.bad{color:var(--bad)}
`;

const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const STYLE_HASH = hashOf(STYLE);

/** Nothing may be loaded, framed or sent elsewhere; the script, if any, is named by its hash. */
const policyOf = (script: string | undefined): string =>
  [
    "default-src 'none'",
    `style-src ${STYLE_HASH}`,
    ...(script === undefined ? [] : [`script-src ${hashOf(script)}`]),
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");

/** The answer that shows a page: no-store, no referrer, not to be framed. */
export const renderPage = ({
  status = 200,
  title,
  content,
  script,
  goesTo,
  headers = [],
}: PageParts): Answer => {
  const refresh =
    goesTo === undefined ? "" : html`<meta http-equiv="refresh" content="${`0;url=${goesTo}`}">`.html;
  const run = script === undefined ? "" : `<script>${script}</script>`;
  const shell = html`<title>${title}</title>`.html;
  const text = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">${refresh}${shell}<style>${STYLE}</style></head><body><main>${content.html}</main>${run}</body></html>\n`;
  return {
    status,
    headers: [
      ...["Content-Type", "text/html; charset=utf-8"],
      ...["Content-Security-Policy", policyOf(script)],
      ...["Referrer-Policy", "no-referrer", "Cache-Control", "no-store"],
      // The window that opened a popup keeps its handle, so that it can close it.
      ...["Cross-Origin-Opener-Policy", "unsafe-none"],
      ...OWN_HEADERS,
      ...headers,
    ],
    body: Buffer.from(text),
  };
};
