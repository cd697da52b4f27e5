// The two docs pages. Everything that moves is in their scripts; the policy lets nothing else run.

interface Page {
  readonly title: string;
  readonly scripts: readonly string[];
  readonly styles: readonly string[];
}

const PAGES = {
  "/": {
    title: "API",
    scripts: ["swagger-ui.js", "account.js", "explorer.js"],
    styles: ["swagger-ui.css", "page.css"],
  },
  "/api-reference": {
    title: "API reference",
    scripts: ["scalar.js", "account.js", "reference.js"],
    styles: ["page.css"],
  },
} as const satisfies Record<string, Page>;

/** Paths of the pages. */
export type PagePath = keyof typeof PAGES;

/** Whether a path is one of the pages. */
export const isPage = (path: string): path is PagePath => Object.hasOwn(PAGES, path);

/**
 * Scripts come from this host only and none is written into the page. Both libraries set styles on elements, which
 * is why those may be inline; pictures may be data, of which their icons are made.
 */
export const PAGE_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data: blob:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const link = (path: PagePath, text: string, current: PagePath): string =>
  `<a href="${path}"${path === current ? ' aria-current="page"' : ""}>${text}</a>`;

/** The HTML of a page; `offersSuperusers` adds their collection to the ones somebody can log in to. */
export const renderPage = (path: PagePath, offersSuperusers: boolean): string => {
  const { title, scripts, styles } = PAGES[path];
  return `<!doctype html>
<html lang="en"${offersSuperusers ? " data-superusers" : ""}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<link rel="icon" href="data:,">
${styles.map((name) => `<link rel="stylesheet" href="/hapta/assets/${name}">`).join("\n")}
</head>
<body>
<header class="bar">
<strong class="bar-name">Hapta</strong>
<nav class="bar-links" aria-label="Pages">
${link("/", "Try it", path)}
${link("/api-reference", "Reference", path)}
<a href="/openapi.json">openapi.json</a>
</nav>
<form class="account" id="account" autocomplete="on" aria-label="Log in"></form>
</header>
<main id="docs"><p class="wait">Loading …</p></main>
<noscript><p class="wait">These pages need JavaScript; <a href="/openapi.json">openapi.json</a> does not.</p></noscript>
${scripts.map((name) => `<script src="/hapta/assets/${name}" defer></script>`).join("\n")}
</body>
</html>
`;
};
