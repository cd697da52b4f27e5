// Header fields of the answers that Hapta writes itself. Those that hang on the answer are not here.

/** The headers PocketBase puts on every answer, for the answers that Hapta writes itself. */
export const OWN_HEADERS: readonly string[] = [
  "Vary",
  "Origin",
  "X-Content-Type-Options",
  "nosniff",
  "X-Frame-Options",
  "SAMEORIGIN",
  "X-Xss-Protection",
  "1; mode=block",
];
