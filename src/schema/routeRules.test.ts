// Which rule a request for a route means, and what it is told.
import { expect, test } from "bun:test";
import { ROUTE_KEY } from "../utils/routeKeys.ts";
import { createRouteRules, type RefineRoute } from "./routeRules.ts";

/** A rule that tells the parameters it gets. */
const telling: RefineRoute = (z) =>
  z.object({ params: z.record(z.string(), z.string()) }).superRefine(({ params }, context) => {
    context.addIssue({ code: "custom", path: ["params", "seen"], message: JSON.stringify(params) });
  });

const seen = (key: string, method: string, path: string): unknown => {
  const rule = createRouteRules(new Map([[key, telling]]))(method, path);
  const message = rule?.({ query: {}, body: {} })?.["seen"]?.message;
  return message === undefined ? undefined : JSON.parse(message.replace(/\.$/, ""));
};

test("createRouteRules finds the parameters of a path", () => {
  expect(seen("POST /a/{x}/b", "POST", "/a/1/b")).toEqual({ x: "1" });
  expect(seen("POST /a/{x}/b", "POST", "/a/%C3%A4%2F/b")).toEqual({ x: "ä/" });
  expect(seen("GET /a/{rest...}", "HEAD", "/a/b/c")).toEqual({ rest: "b/c" });
  expect(seen("GET /a/{rest...}", "GET", "/a/")).toEqual({ rest: "" });
  expect(seen("POST /%61", "POST", "/a")).toBeUndefined();
  for (const path of ["/a//b", "/a/1/c", "/a/1", "/a/1/b/", "/A/1/b"])
    expect([path, seen("POST /a/{x}/b", "POST", path)]).toEqual([path, undefined]);
  expect(seen("POST /a/{x}/b", "PUT", "/a/1/b")).toBeUndefined();
});

test("ROUTE_KEY takes a method and a path with parameters", () => {
  for (const key of ["GET /a", "POST /shop/orders/{id}", "PATCH /a-b/c.d/{x}/{rest...}"])
    expect([key, ROUTE_KEY.test(key)]).toEqual([key, true]);
  for (const key of [
    "/a",
    "get /a",
    "GET a",
    "GET /{rest...}/a",
    "GET /a/{b c}",
    "GET /a?b",
    "HEAD /a",
    "GET /a/",
  ])
    expect([key, ROUTE_KEY.test(key)]).toEqual([key, false]);
});
