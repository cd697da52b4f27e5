// What a request weighs, in plain reads. Pure; a preflight weighs a tenth, everything else at least one.
import { RecentMap } from "../utils/recentMap.ts";
import { classOf, type Deed } from "./actions.ts";

/** A login, a sign-up, a guess at a code: what costs PocketBase a password hash or a mail. */
const AUTH_WEIGHT = 5;
const PREFLIGHT_WEIGHT = 0.1;
/** Records of a page that come with the price of one read. */
const PAGE_RECORDS = 100;
/** PocketBase's own most. */
const PAGE_RECORDS_MAX = 1000;
const EXPAND_DEPTH_MAX = 6;
/** Topics of one subscription call that come with its price. */
const TOPICS = 10;
const TOPICS_MAX = 10_000;
const MEGABYTE = 1_048_576;
/** Queries whose weight is kept, and the longest of them. */
const KEPT_MAX = 1_024;
const KEPT_CHARS_MAX = 512;

/** What the weight depends on beside the deed. */
export interface Load {
  /** Without `?`. */
  readonly query: string;
  /** Bytes of the body, 0 for none and for one whose length is not known yet. */
  readonly bodyBytes: number;
  /** It makes an account. */
  readonly isSignUp?: boolean;
  /** Topics of a realtime subscription. */
  readonly topics?: number;
}

/** The weight of a request, or of one part of a batch. */
export const weightOf = (deed: Deed, { query, bodyBytes, isSignUp = false, topics = 0 }: Load): number => {
  switch (classOf(deed)) {
    case "preflight":
      return PREFLIGHT_WEIGHT;
    case "read":
      return query === "" ? 1 : readWeight(query);
    case "auth":
      return deed.route.operation === "auth-refresh" ? 1 : AUTH_WEIGHT;
    case "realtime":
      return 1 + Math.floor(Math.min(topics, TOPICS_MAX) / TOPICS);
    case "write":
      return (isSignUp ? AUTH_WEIGHT : 1) + expandDepth(query) + uploadWeight(bodyBytes);
    default:
      return 1 + uploadWeight(bodyBytes);
  }
};

// The same few queries come again and again, and taking one apart costs as much as a quarter of an answer from the cache.
const readWeight = (query: string): number => {
  const known = readWeights.get(query);
  if (known !== undefined) return known;
  const weight = 1 + expandDepth(query) + pageWeight(query);
  // A part of a string keeps the whole in memory: what stays must stand alone.
  if (query.length <= KEPT_CHARS_MAX) readWeights.set(Buffer.from(query).toString(), weight);
  return weight;
};

const readWeights = new RecentMap<number>(KEPT_MAX);

/** Whole megabytes of a body. */
export const uploadWeight = (bytes: number): number => Math.floor(bytes / MEGABYTE);

// Pages up to 100 records are the plain read; PocketBase cuts at 1000.
const pageWeight = (query: string): number => {
  const perPage = largest(query, "perPage", (text) => Number(text) || 0);
  return perPage > PAGE_RECORDS ? Math.ceil(Math.min(perPage, PAGE_RECORDS_MAX) / PAGE_RECORDS) - 1 : 0;
};

// `a.b,c` is two relations deep: each level is a round of queries.
const expandDepth = (query: string): number => Math.min(EXPAND_DEPTH_MAX, largest(query, "expand", depthOf));

const depthOf = (expand: string): number => {
  let deepest = 0;
  if (expand !== "")
    for (const path of expand.split(",")) deepest = Math.max(deepest, path.split(".").length);
  return deepest;
};

// The query is as the client wrote it: names may be escaped, and one may come twice. Whichever PocketBase reads, the
// heaviest counts.
const largest = (query: string, name: string, weigh: (text: string) => number): number => {
  if (!query.includes("%") && !query.includes(name)) return 0;
  let most = 0;
  for (const text of new URLSearchParams(query).getAll(name)) most = Math.max(most, weigh(text));
  return most;
};
