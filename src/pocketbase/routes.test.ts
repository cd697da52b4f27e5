// Which kind of traffic a path is: above all, what must count as the superusers' area.
import { describe, expect, test } from "bun:test";
import { canonicalPath } from "../utils/path.ts";
import { type Route, toRoute } from "./routes.ts";

const routeOf = (method: string, raw: string): Route => {
  const canonical = canonicalPath(raw);
  if (canonical.kind !== "path") throw new Error(`${raw} is ${canonical.kind}`);
  return toRoute(method, canonical.segments);
};

describe("toRoute", () => {
  const admin: readonly (readonly [method: string, path: string])[] = [
    ["GET", "/_/"],
    ["GET", "/_"],
    ["GET", "/%5f/"],
    ["GET", "/api/settings"],
    ["GET", "/API/settings"],
    ["GET", "/api/SETTINGS"],
    ["GET", "/api/logs/stats"],
    ["GET", "/api/backups/x.zip"],
    ["POST", "/api/crons/x"],
    ["POST", "/api/sql"],
    ["GET", "/api/collections"],
    ["GET", "/api/collections/"],
    ["GET", "/api/collections/posts"],
    ["PUT", "/api/collections/import"],
    ["DELETE", "/api/collections/posts/truncate"],
    ["GET", "/api/collections/meta/scaffolds"],
    ["POST", "/api/collections/users/impersonate/x"],
    ["POST", "/api/collections/_superusers/auth-with-password"],
    ["POST", "/api/collections/_SUPERUSERS/auth-with-password"],
    ["POST", "/api/collections/%5Fsuperusers/auth-with-password"],
    ["POST", "/api/collections/pbc_3142635823/auth-with-password"],
    ["POST", "/api/collections/_%C5%BFuperusers/auth-with-password"],
    ["GET", "/api/collections/_superusers/records"],
    ["OPTIONS", "/_/"],
  ];
  test.each(admin)("toRoute sees the superusers' area in %s %s", (method, path) => {
    expect(routeOf(method, path).isAdmin).toBe(true);
  });

  test("toRoute tells the other kinds apart", () => {
    const records = { kind: "records", collection: "posts", operation: "records" };
    expect(routeOf("GET", "/api/collections/posts/records")).toEqual({ ...records, body: "drop" } as Route);
    expect(routeOf("PATCH", "/api/collections/POSTS/records/x")).toEqual({
      ...records,
      body: "stream",
    } as Route);
    const refresh = { kind: "auth", body: "struct", collection: "users", operation: "auth-refresh" };
    expect(routeOf("POST", "/api/collections/users/auth-refresh")).toEqual(refresh as Route);
    expect(routeOf("POST", "/api/batch").body).toBe("batch");
    expect(routeOf("GET", "/api/realtime")).toEqual({ kind: "realtime", body: "drop", isStream: true });
    expect(routeOf("POST", "/api/realtime")).toEqual({ kind: "realtime", body: "struct", isStream: false });
    expect(routeOf("POST", "/api/files/token").body).toBe("struct");
    expect(routeOf("GET", "/api/files/posts/x/a.png")).toEqual({ kind: "file", body: "drop", isFile: true });
    expect(routeOf("GET", "/api/backups/x.zip").isFile).toBe(true);
    expect(routeOf("GET", "/api/backups").isFile).toBeUndefined();
    expect(routeOf("GET", "/_/assets/x.js").isFile).toBe(true);
    expect(routeOf("GET", "/hapta/live").kind).toBe("probe");
    expect(routeOf("GET", "/auth/sessions/abc").kind).toBe("session");
    expect(routeOf("POST", "/auth/logout").kind).toBe("session");
    // The app's own hooks may live beside them.
    expect(routeOf("POST", "/auth/other").kind).toBe("custom");
    expect(routeOf("POST", "/custom/echo")).toEqual({ kind: "custom", body: "stream" });
    expect(routeOf("OPTIONS", "/api/collections/posts/records").kind).toBe("preflight");
  });
});
