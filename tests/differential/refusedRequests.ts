// Generates requests that PocketBase refuses, on every kind of route.
import fc from "fast-check";
import type { WireRequest } from "../support/wire.ts";

type Header = readonly [string, string];

const METHODS = fc.constantFrom("POST", "PATCH", "PUT", "DELETE", "GET", "HEAD");
const MEMBERS = "/api/collections/members";

// Any caller may try these: no token opens them.
const closedPaths = fc.constantFrom(
  ...[
    "/api/nope",
    "/nope",
    "/api",
    "/api/",
    "/api/collections/notices/records/",
    "/api/health/",
    "/api/records",
  ],
  ...[
    "/api/collections/notices/auth-methods",
    "/api/collections/notices/nope",
    `${MEMBERS}/nope`,
    "/api/files",
  ],
  ...["/api/collections/nosuch/records", "/api/collections/-/records", "/_/nope", "/api/backups/x.zip"],
);
// Without a valid token of the right kind these refuse; with one they would answer something new each time.
const guardedPaths = fc.constantFrom(
  ...[
    "/api/settings",
    "/api/collections",
    "/api/logs",
    "/api/logs/stats",
    "/api/crons",
    "/api/backups",
    "/api/sql",
  ],
  ...[
    "/api/files/token",
    `${MEMBERS}/auth-refresh`,
    `${MEMBERS}/impersonate/x`,
    `${MEMBERS}/request-email-change`,
  ],
  ...[
    "/api/collections/ledgers/records",
    "/api/collections/import",
    "/api/collections/meta/scaffolds",
    "/api/settings/test/s3",
  ],
);
const badToken = fc.constantFrom<Header[]>(
  [],
  [["Authorization", "garbage"]],
  [["Authorization", "Bearer a.b.c"]],
);
const smallBody = fc.oneof(
  fc
    .dictionary(
      fc.constantFrom("identity", "password", "token", "otpId", "email", "requests", "clientId"),
      fc.oneof(fc.string({ maxLength: 5 }), fc.integer(), fc.constant(null)),
      { maxKeys: 3 },
    )
    .map((members) => JSON.stringify(members)),
  fc.constantFrom("{", "[]", "null", '"text"', "{}x", "nonsense", "1"),
);
const bodyPaths = fc.constantFrom(
  ...[
    "auth-with-password",
    "auth-with-otp",
    "confirm-verification",
    "confirm-password-reset",
    "request-email-change",
  ].map((r) => `${MEMBERS}/${r}`),
  ...["/api/collections/ledgers/records", "/api/collections/nosuch/records", "/api/realtime", "/api/batch"],
);

/** Requests that PocketBase refuses, on every kind of route. They carry their own, useless, tokens. */
export const refusedRequests: fc.Arbitrary<WireRequest> = fc.oneof(
  fc.record({ method: METHODS, path: closedPaths, headers: badToken }),
  fc.record({ method: METHODS, path: guardedPaths, headers: badToken }),
  fc
    .record({
      path: bodyPaths,
      token: badToken,
      type: fc.constantFrom("application/json", "application/json; charset=utf-8"),
      body: smallBody,
    })
    .map(({ path, token, type, body }) => ({
      method: "POST",
      path,
      body,
      headers: [...token, ["Content-Type", type] as const],
    })),
);
