// The JSON payload of a batch: read strictly, every item judged, and written anew. Sends nothing; which
// records an item may touch is PocketBase's decision.
import { Refusal } from "../errors.ts";
import { foldMemberName, type JsonNode, parseStrictJson } from "../utils/strictJson.ts";
import {
  BLANK,
  type Fault,
  failedItem,
  malformedItems,
  malformedMember,
  NOT_LISTED,
  refusedList,
  unreadableBatch,
} from "./batchFaults.ts";
import { keepBatchItems } from "./batchItems.ts";
import { rebuildItemHeaders } from "./itemHeaders.ts";
import { readItemUrl } from "./itemUrl.ts";

/** Largest payload that is parsed, in bytes. */
export const PAYLOAD_BYTES_MAX = 32 * 1024 * 1024;

/** Most items Hapta looks at; PocketBase's own bound (50 unless configured) is usually far lower. */
export const ITEMS_MAX = 1000;

export interface BatchOptions {
  /** Whether the caller may reach the superusers' collection at all. */
  readonly isAdmin: boolean;
}

type Members = ReadonlyMap<string, JsonNode>;

const METHODS = new Set(["GET", "POST", "PUT", "PATCH", "DELETE"]);

/**
 * Checks a batch payload and writes it anew: `{"requests":[{method, url, headers, body}, ...]}`.
 *
 * Member names are matched as PocketBase's decoder matches them and written in lower case; unknown ones,
 * which PocketBase ignores, are left out. Blank methods and URLs, GET items and an empty list pass, because
 * PocketBase refuses them itself. Bodies keep the text that was checked.
 * @throws Refusal `body_too_large`, `body_invalid` (not JSON) or `batch_invalid`, with PocketBase's `data`.
 */
export const rebuildBatchPayload = (bytes: Uint8Array, options: BatchOptions): Uint8Array => {
  if (bytes.length > PAYLOAD_BYTES_MAX) throw new Refusal("body_too_large");
  const parsed = parseStrictJson(bytes);
  if (!parsed.ok) throw unreadableBatch(parsed.reason);
  const list = readList(parsed.node);
  checkMethods(list);
  const items = list.map((item, index) => checkItem(item, index, options));
  const payload = Buffer.from(`{"requests":[${items.map(renderItem).join(",")}]}`);
  const values = Object.values(Object(memberOf(parsed.value, "requests")));
  keepBatchItems(
    payload,
    items.map(({ method, url }, index) => ({ method, url, body: memberOf(values[index], "body") })),
  );
  return payload;
};

/** The member that Go's decoder takes for `name`, of a value in which no other folds to it. */
const memberOf = (value: unknown, name: string): unknown =>
  Object.entries(Object(value)).find(([key]) => foldMemberName(key) === name)?.[1];

const readList = (node: JsonNode): readonly Members[] => {
  if (node.text === "null") throw refusedList(BLANK);
  const top = foldMembers(node);
  if (top === undefined)
    throw unreadableBatch("The batch must be a JSON object in which no member appears twice.");
  const requests = top.get("requests");
  if (requests === undefined || requests.text === "null") throw refusedList(BLANK);
  if (requests.elements === undefined) throw unreadableBatch('The member "requests" must be an array.');
  if (requests.elements.length > ITEMS_MAX) throw refusedList(TOO_LONG);
  return requests.elements.map((element, index) => {
    const item = foldMembers(element);
    if (item === undefined) {
      throw unreadableBatch(`Batch item ${index} must be a JSON object in which no member appears twice.`);
    }
    return item;
  });
};

const TOO_LONG: Fault = {
  code: "validation_length_too_long",
  message: `The length must be no more than ${ITEMS_MAX}.`,
  params: { max: ITEMS_MAX, min: 0 },
};

// Undefined unless the node is an object whose names stay apart after folding.
const foldMembers = (node: JsonNode): Members | undefined => {
  if (node.members === undefined) return undefined;
  const folded = new Map<string, JsonNode>();
  for (const [name, value] of node.members) {
    const key = foldMemberName(name);
    if (folded.has(key)) return undefined;
    folded.set(key, value);
  }
  return folded;
};

// PocketBase validates the whole list before it runs the first item, and lists every fault it found.
const checkMethods = (list: readonly Members[]): void => {
  const faulty: Record<number, Record<string, Fault>> = {};
  for (const [index, item] of list.entries()) {
    const method = readText(item, "method", index);
    if (method === "" || METHODS.has(method)) continue;
    const isUrlBlank = readText(item, "url", index) === "";
    faulty[index] = { method: NOT_LISTED, ...(isUrlBlank ? { url: BLANK } : {}) };
  }
  if (Object.keys(faulty).length > 0) throw malformedItems(faulty);
};

interface CheckedItem {
  readonly method: string;
  readonly url: string;
  /** JSON texts; undefined for what the item does not have. */
  readonly headers: string | undefined;
  readonly body: string | undefined;
}

const checkItem = (item: Members, index: number, options: BatchOptions): CheckedItem => {
  const method = readText(item, "method", index);
  const url = rebuildUrl(readText(item, "url", index), index, options);
  const headersNode = item.get("headers");
  const headers = headersNode === undefined ? undefined : rebuildItemHeaders(headersNode, index);
  const body = item.get("body");
  if (body !== undefined && body.members === undefined && body.text !== "null")
    throw malformedMember(index, "body", "Must be an object.");
  return { method, url, headers, body: body?.text };
};

const renderItem = ({ method, url, headers, body }: CheckedItem): string => {
  const parts = [`"method":${JSON.stringify(method)}`, `"url":${JSON.stringify(url)}`];
  if (headers !== undefined) parts.push(`"headers":${headers}`);
  if (body !== undefined) parts.push(`"body":${body}`);
  return `{${parts.join(",")}}`;
};

const rebuildUrl = (text: string, index: number, options: BatchOptions): string => {
  if (text === "") return "";
  const read = readItemUrl(text, options.isAdmin);
  if (!read.ok) throw failedItem(index, read.answer);
  return read.url;
};

// Absent and null are "", as in PocketBase.
const readText = (item: Members, member: string, index: number): string => {
  const node = item.get(member);
  if (node === undefined || node.text === "null") return "";
  if (node.string === undefined) throw malformedMember(index, member, "Must be a string.");
  return node.string;
};
