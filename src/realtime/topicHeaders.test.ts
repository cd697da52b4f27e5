import { expect, test } from "bun:test";
import { Refusal } from "../errors.ts";
import { checkTopics, stringsIn } from "./topicHeaders.ts";

const topicOf = (options: unknown): string =>
  `notices/*?options=${encodeURIComponent(JSON.stringify(options))}`;
const verdictOf = (topic: string): string => {
  try {
    checkTopics([topic]);
    return "ok";
  } catch (error) {
    return error instanceof Refusal ? error.code : String(error);
  }
};

test.each([
  "x_hapta_edge",
  "X-Hapta-Edge",
  "X_Hapta_Edge",
  "x.hapta.edge",
  "xHaptaEdge",
  "-x--hapta-edge-",
  "X Hapta Edge",
  "X-Hapta-Guard",
  "X-Forwarded-For",
  "xForwardedFor",
  "x\u00e4Real_ip",
  "Authorization",
  "authorization",
  "Host",
  "cfConnectingIp",
  "",
  "\u{1f600}",
])("AP5: the header %s is refused in a topic", (name) => {
  expect(verdictOf(topicOf({ headers: { [name]: "x" } }))).toBe("body_invalid");
  expect(verdictOf(topicOf({ headers: { fine: "y", [name]: null } }))).toBe("body_invalid");
});

test.each(["x-token", "X_Token", "xGate", "Accept-Language", "haptaEdge", "xhapta"])(
  "the header %j passes",
  (name) => {
    expect(verdictOf(topicOf({ headers: { [name]: "x" }, query: { filter: "a = 'x-hapta-edge'" } }))).toBe(
      "ok",
    );
  },
);

// Each of these was read by a real PocketBase as a header.
test("AP5: every spelling of the options that PocketBase reads is looked into", () => {
  const json = '{"headers":{"xHaptaEdge":"1"}}';
  const escaped = encodeURIComponent(json);
  for (const topic of [
    `a/*?options=${escaped}`,
    `a/*?options=${json}`,
    `a/*?%6fptions=${escaped}`,
    `a/*?options=${escaped}#fragment`,
    `a/*?x=1&options=${escaped}&options=1`,
    `a/*?options=%zz&options=${escaped}`,
    `a/*?options=1&options=${escaped}`,
    `a/*?a;b&options=${escaped}`,
    `a/*?options=${encodeURIComponent('{"HEADERS":{"xHaptaEdge":"1"}}')}`,
    `a/*?options=${encodeURIComponent('{"header\u017f":{"xHaptaEdge":"1"}}')}`,
    `a/*?options=${encodeURIComponent('{"headers":{},"Headers":{"xHaptaEdge":"1"}}')}`,
    `a/*?options=${encodeURIComponent('{"headers":{"xHaptaEdge":"1"},"headers":{}}')}`,
    `a/*?options=${encodeURIComponent('{"headers":{"x\\u0048aptaEdge":"1"}}')}`,
    `a/*?options={"a":"%ff","headers":{"xHaptaEdge":"1"}}`,
    `a/*?options={"headers":+{"xHaptaEdge":+"1"}}`,
  ])
    expect(`${verdictOf(topic)} ${topic}`).toBe(`body_invalid ${topic}`);
});

test("what PocketBase takes for no options passes", () => {
  for (const topic of [
    "a",
    "a/*",
    "a/*?",
    "@oauth2",
    "a/*?options=",
    "a/*?options={",
    'a/*#?options={"headers":1}',
  ])
    expect(verdictOf(topic)).toBe("ok");
  expect(verdictOf(topicOf([1]))).toBe("ok");
  expect(verdictOf(topicOf({ headers: ["X-Hapta-Edge"] }))).toBe("ok");
});

test("all strings of a body are looked at", () => {
  expect(stringsIn('{"a":["b",{"c":"d"}],"e":null,"f":1}')).toEqual(["b", "d"]);
  expect(stringsIn("no json")).toEqual([]);
});
