// Generates record writes that can be repeated: the record is put back before each side.
import fc from "fast-check";
import type { World } from "../support/fixture/load.ts";
import type { WireRequest } from "../support/wire.ts";

/** One generated exchange. `reset` is sent to PocketBase itself before each side, so that both find the same state. */
export interface Case {
  readonly request: WireRequest;
  readonly reset?: WireRequest;
}

type Header = readonly [string, string];

const NOTICES = "/api/collections/notices/records";
const JSON_TYPE: Header = ["Content-Type", "application/json"];

const value: fc.Arbitrary<unknown> = fc.oneof(
  fc.string({ maxLength: 70 }),
  fc.string({ unit: "grapheme", maxLength: 8 }),
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.constantFrom("red", "blue", "teal"), { maxLength: 4 }),
  fc.dictionary(fc.string({ maxLength: 4 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 }),
);
const noticeBody = fc.dictionary(
  fc.constantFrom(
    "title",
    "count",
    "done",
    "tags",
    "meta",
    "member",
    "count+",
    "tags-",
    "blob",
    "nope",
    "expand",
  ),
  value,
  { maxKeys: 5 },
);

const encodeForm = (body: Readonly<Record<string, unknown>>): string =>
  Object.entries(body)
    .map(([name, v]) => [name, typeof v === "string" ? v : JSON.stringify(v)] as const)
    .map(([name, text]) => `${encodeURIComponent(name)}=${encodeURIComponent(text.toWellFormed())}`)
    .join("&");

/** Record writes in JSON or as a form, whole or in chunks; the superuser resets the record before each. */
export const writeCases = (world: World): fc.Arbitrary<Case> => {
  const root: Header[] = [["Authorization", world.tokens.superuser]];
  const id = "differential001";
  const asJson = fc.constantFrom(true, true, false);
  const chunkBytes = fc.constantFrom(undefined, undefined, 7, 1000);
  return fc.record({ body: noticeBody, asJson, chunkBytes, creates: fc.boolean() }).map((drawn) => {
    const body = drawn.creates ? { title: "Drawn", ...drawn.body, id } : drawn.body;
    const text = drawn.asJson ? JSON.stringify(body) : encodeForm(body);
    const type: Header = drawn.asJson ? JSON_TYPE : ["Content-Type", "application/x-www-form-urlencoded"];
    // An empty chunked body is PocketBase's own error; errors.test.ts covers it.
    const chunks = drawn.chunkBytes === undefined || text === "" ? {} : { chunkBytes: drawn.chunkBytes };
    const base = { headers: [type], body: text, ...chunks };
    if (drawn.creates) {
      return {
        request: { method: "POST", path: NOTICES, ...base },
        reset: { method: "DELETE", path: `${NOTICES}/${id}`, headers: root },
      };
    }
    const original = {
      title: "Notice 8",
      count: 3,
      done: false,
      tags: ["grey"],
      meta: { a: 8 },
      member: "",
      blob: [],
    };
    return {
      request: { method: "PATCH", path: `${NOTICES}/notice000000008`, ...base },
      reset: {
        method: "PATCH",
        path: `${NOTICES}/notice000000008`,
        headers: [...root, JSON_TYPE],
        body: JSON.stringify(original),
      },
    };
  });
};
