// Compares an answer of PocketBase with the same answer seen through Hapta. Whatever is not listed here must be equal.
import { isDeepStrictEqual } from "node:util";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { headOf, type WireResponse } from "../support/wireReader.ts";

/** A header that may differ, how, and why. `added`: only Hapta has it; `value`: both have it, values may differ. */
interface AllowedDifference {
  readonly header: string;
  readonly kind: "added" | "value" | "any";
  readonly reason: string;
}

/** Every header that may differ between PocketBase and Hapta. */
export const ALLOWED_DIFFERENCES: readonly AllowedDifference[] = [
  { header: "x-request-id", kind: "added", reason: "Hapta names every exchange" },
  { header: "cache-status", kind: "added", reason: "reads of records say whether they were kept (RFC 9211)" },
  { header: "etag", kind: "added", reason: "kept answers have an entity tag" },
  { header: "date", kind: "value", reason: "the two answers are made one after the other" },
  { header: "connection", kind: "any", reason: "hop by hop (RFC 9110 section 7.6.1)" },
  { header: "keep-alive", kind: "any", reason: "hop by hop (RFC 9112 appendix C.2.2)" },
  {
    header: "transfer-encoding",
    kind: "any",
    reason: "hop by hop: a short body may arrive whole and get a length",
  },
  { header: "content-length", kind: "added", reason: "the length of a body that PocketBase sent in chunks" },
];

/** A refusal that Hapta makes in PocketBase's place: its stable code, what PocketBase answered, and why. */
interface AllowedRefusal {
  readonly code: string;
  readonly insteadOf: readonly number[];
  readonly reason: string;
}

/** Requests that Hapta refuses itself, with its own text, where PocketBase refuses too. */
export const ALLOWED_REFUSALS: readonly AllowedRefusal[] = [
  {
    code: "body_invalid",
    insteadOf: [400, 401],
    reason: "bodies of a fixed shape are parsed strictly before PocketBase, whose parser is loose, sees them",
  },
  {
    code: "batch_invalid",
    insteadOf: [400],
    reason: "every sub-request of a batch is parsed before PocketBase sees one",
  },
];

const isAllowedRefusal = (direct: WireResponse, through: WireResponse): boolean => {
  const code = headOf(through, "x-hapta-error");
  const row = ALLOWED_REFUSALS.find((allowed) => allowed.code === code);
  return row?.insteadOf.includes(direct.status) === true && through.status === 400;
};

const SAME_REFUSALS = new Set(["query_invalid", "record_invalid", "auth_invalid", "subscription_invalid"]);

/** Refusals that have PocketBase's whole body; those of queries may say in addition where a text is wrong. */
const isSameRefusal = (direct: WireResponse, through: WireResponse): boolean => {
  const code = headOf(through, "x-hapta-error");
  if (code === undefined || !SAME_REFUSALS.has(code)) return false;
  if (direct.status !== through.status || direct.text === "") return direct.status === through.status;
  const [asked, given] = [direct, through].map(({ text }) => JSON.parse(text) as { data: object });
  if (code !== "query_invalid") return isDeepStrictEqual(asked, given);
  const { filter: _, sort: __, ...data } = (given?.data ?? {}) as Record<string, unknown>;
  return isDeepStrictEqual(asked, { ...given, data });
};

/** A body sent in chunks may get a length on its way; the other way round loses what progress bars need. */
const isAllowedFraming = (direct: WireResponse, through: WireResponse): boolean =>
  direct.framing === through.framing || (direct.framing === "chunked" && through.framing === "length");

type Plain = Pick<WireResponse, "headers" | "body">;

const BOUNDARY = /multipart\/byteranges; boundary=([0-9a-f]{60})/;

/** Replaces the random boundary of a multi-part range answer, which PocketBase draws anew each time. */
const unbounded = (response: WireResponse): Plain => {
  const type = response.headers
    .map(([, value]) => BOUNDARY.exec(value)?.[1])
    .find((found) => found !== undefined);
  if (type === undefined) return response;
  const masked = (text: string): string => text.replaceAll(type, "b".repeat(60));
  return {
    headers: response.headers.map(([name, value]) => [name, masked(value)] as const),
    body: Buffer.from(masked(response.body.toString("latin1")), "latin1"),
  };
};

/** A kept answer that everybody may read, as it would have left for a client that takes no content coding. */
const unencoded = ({ headers, body }: Plain): Plain => {
  const value = (name: string): string => headers.find(([one]) => one.toLowerCase() === name)?.[1] ?? "";
  if (value("cache-status") === "" || value("vary") !== "Origin, Accept-Encoding") return { headers, body };
  const coding = value("content-encoding");
  const decode = coding === "br" ? brotliDecompressSync : coding === "gzip" ? gunzipSync : undefined;
  const decoded = decode === undefined || body.length === 0 ? body : decode(body);
  const ownLength = decode === undefined ? value("content-length") : String(decoded.length);
  const renamed: Readonly<Record<string, string>> = { vary: "Origin", "content-length": ownLength };
  return {
    headers: headers
      .filter(([name]) => decode === undefined || name.toLowerCase() !== "content-encoding")
      // What a HEAD says of an encoded length, PocketBase cannot say.
      .filter(([name]) => decode === undefined || body.length > 0 || name.toLowerCase() !== "content-length")
      .map(([name, text]) => [name, renamed[name.toLowerCase()] ?? text] as const),
    body: decoded,
  };
};

const VARYING = /^(?:(.+), )?Authorization$/;

/** An answer that says for whom it is, as it would have left without that. */
const unowned = ({ headers, body }: Plain): Plain => {
  const vary = headers.find(([name]) => name.toLowerCase() === "vary")?.[1] ?? "";
  const varying = VARYING.exec(vary);
  if (varying === null) return { headers, body };
  return {
    headers: headers.flatMap(([name, value]) => {
      if (value === "private, no-cache" && name.toLowerCase() === "cache-control") return [];
      if (value !== vary) return [[name, value] as const];
      return varying[1] === undefined ? [] : [[name, varying[1]] as const];
    }),
    body,
  };
};

const byName = (headers: WireResponse["headers"]): Map<string, string[]> => {
  const map = new Map<string, string[]>();
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    map.set(key, [...(map.get(key) ?? []), value]);
  }
  return map;
};

const headerDifferences = (direct: Map<string, string[]>, through: Map<string, string[]>): string[] => {
  const found: string[] = [];
  for (const name of new Set([...direct.keys(), ...through.keys()])) {
    const a = direct.get(name);
    const b = through.get(name);
    if (JSON.stringify(a) === JSON.stringify(b)) continue;
    const allowed = ALLOWED_DIFFERENCES.find((row) => row.header === name);
    if (allowed?.kind === "any" || (allowed?.kind === "added" && a === undefined)) continue;
    if (allowed?.kind === "value" && a?.length === b?.length) continue;
    found.push(`header ${name}: PocketBase ${JSON.stringify(a)}, Hapta ${JSON.stringify(b)}`);
  }
  return found;
};

const firstDifference = (a: Buffer, b: Buffer): string => {
  let at = 0;
  while (at < a.length && at < b.length && a[at] === b[at]) at++;
  const around = (bytes: Buffer): string =>
    JSON.stringify(bytes.subarray(Math.max(0, at - 20), at + 60).toString("latin1"));
  return `body differs at byte ${at} of ${a.length}/${b.length}: PocketBase ${around(a)}, Hapta ${around(b)}`;
};

// PocketBase 0.40 writes maps and picked fields in a new random order each time.
const sortedJson = (response: { headers: WireResponse["headers"]; body: Buffer }): Buffer => {
  const sort = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(sort);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([k, v]) => [k, sort(v)]),
    );
  };
  const isJson = response.headers.some(
    ([name, value]) => /^content-type$/i.test(name) && value === "application/json",
  );
  if (!isJson || response.body.length === 0) return response.body;
  return Buffer.from(JSON.stringify(sort(JSON.parse(response.body.toString("utf8")))));
};

/** `ignoresMemberOrder` compares JSON bodies as values. */
export interface ComparisonOptions {
  readonly ignoresMemberOrder?: boolean;
}

/** Lists what differs beyond the allowed; empty when the answers are equal. */
export const differencesOf = (
  direct: WireResponse,
  through: WireResponse,
  options: ComparisonOptions = {},
): string[] => {
  if (isAllowedRefusal(direct, through) || isSameRefusal(direct, through)) return [];
  const found: string[] = [];
  if (direct.status !== through.status)
    found.push(`status: PocketBase ${direct.status}, Hapta ${through.status}`);
  if (!isAllowedFraming(direct, through))
    found.push(`framing: PocketBase ${direct.framing}, Hapta ${through.framing}`);
  const a = unbounded(direct);
  const b = unencoded(unowned(unbounded(through)));
  found.push(...headerDifferences(byName(a.headers), byName(b.headers)));
  const [x, y] = options.ignoresMemberOrder === true ? [sortedJson(a), sortedJson(b)] : [a.body, b.body];
  if (!x.equals(y)) found.push(firstDifference(x, y));
  return found;
};
