// What the realtime tests share: streams read into events, and a PocketBase with collections of every kind of rule.
import { expect } from "bun:test";
import { readFileSync } from "node:fs";
import { call, jsonOf, type Pair, startPair } from "../sessions/support.ts";
import { type EventStream, openEventStream } from "../support/eventStream.ts";

/** Events of a stream as text that compares: topic and data with sorted members, without the connection events. */
export const eventsOf = (stream: EventStream): string[] => {
  const events: string[] = [];
  for (const block of stream.text().split("\n\n").slice(0, -1)) {
    const [, topic = "", data = ""] = /event:(.*)\ndata:(.*)$/.exec(block) ?? [];
    if (topic !== "" && topic !== "PB_CONNECT" && topic !== "HAPTA_RECOVERY")
      events.push(`${topic} ${sorted(data)}`);
  }
  return events.sort();
};

const sorted = (data: string): string =>
  JSON.stringify(JSON.parse(data), (_, value: unknown) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );

/** Every `id:` of a stream: of its connection events, and the places of its events in what was told. */
export const idsOf = (
  stream: EventStream,
): { readonly names: ReadonlySet<string>; readonly places: string[] } => {
  const ids = Array.from(stream.text().matchAll(/^id:(.*)$/gm), ([, id = ""]) => id);
  const isPlace = (id: string): boolean => /^[0-9a-f]{8}-\d+$/.test(id);
  return { names: new Set(ids.filter((id) => !isPlace(id))), places: ids.filter(isPlace) };
};

/** Subscribes; the status. */
export const subscribe = async (
  url: string,
  stream: EventStream,
  { token, topics }: { readonly token?: string | undefined; readonly topics: readonly string[] },
): Promise<number> => {
  const json = { clientId: stream.clientId, subscriptions: topics };
  return (await call(url, { path: "/api/realtime", token, json })).status;
};

/** A stream that is subscribed. */
export const listen = async (
  url: string,
  options: {
    readonly token?: string | undefined;
    readonly topics: readonly string[];
    /** Where it left off. */
    readonly since?: string | undefined;
  },
): Promise<EventStream> => {
  const { since } = options;
  const stream = await openEventStream(
    url,
    since === undefined ? {} : { headers: [["Last-Event-ID", since]] },
  );
  expect(await subscribe(url, stream, options)).toBe(204);
  return stream;
};

/** A topic with options as the SDK writes them. */
export const topicWith = (topic: string, options: unknown): string =>
  `${topic}?options=${encodeURIComponent(JSON.stringify(options))}`;

/** PocketBase as superuser, past Hapta. */
export const asRoot = (pair: Pair) => {
  const ask = async (method: string, path: string, json?: unknown): Promise<Record<string, unknown>> => {
    const answer = await call(pair.pb.url, { method, path, token: pair.pb.world.tokens.superuser, json });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.text === "" ? {} : jsonOf(answer);
  };
  return ask;
};

/** Resident memory of Hapta, in KB. */
export const rssOf = ({ hapta }: Pair): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${hapta.child.pid}/status`, "utf8"))?.[1]);

/** Rules by collection: of each kind that PocketBase knows. All have the same fields. */
export const RULES: Readonly<Record<string, string | null>> = {
  rt_public: "",
  rt_nobody: null,
  rt_owner: "owner = @request.auth.id",
  rt_member: "@request.auth.id != ''",
  rt_role: "@request.auth.name ~ 'Ada'",
  rt_writer: "@request.auth.role = 'writer' || owner = @request.auth.id",
  rt_verified: "@request.auth.verified = true && @request.auth.collectionName = 'members'",
  rt_field: "flag = true",
  rt_parent: "parent.flag = true",
  rt_cross: "@collection.rt_public.title ?= title",
  rt_asked: "@request.query.key = 'k' || @request.headers.x_token = 'k'",
  rt_time: "updated <= @now && @request.context = 'realtime'",
};

/** Makes the collections of {@link RULES}. */
export const createCollections = async (pair: Pair): Promise<void> => {
  const ask = asRoot(pair);
  let parent = "";
  for (const [name, rule] of Object.entries(RULES)) {
    const relation = { type: "relation", maxSelect: 1 };
    const made = await ask("POST", "/api/collections", {
      name,
      type: "base",
      listRule: rule,
      viewRule: rule,
      createRule: "",
      updateRule: "",
      deleteRule: "",
      fields: [
        { name: "title", type: "text" },
        { name: "flag", type: "bool" },
        { name: "secret", type: "text", hidden: true },
        { name: "owner", ...relation, collectionId: "pbc_members0001" },
        ...(parent === ""
          ? []
          : [{ name: "parent", ...relation, collectionId: parent, cascadeDelete: true }]),
        { name: "updated", type: "autodate", onCreate: true, onUpdate: true },
      ],
    });
    if (parent === "") parent = String(made["id"]);
  }
};

/** Hapta with little room for slow clients, which believes `X-Forwarded-For`, before a PocketBase with {@link RULES}. */
export const startWithRules = async (): Promise<Pair> => {
  const pair = await startPair({
    config: {
      Network: { TrustedProxies: ["127.0.0.1"] },
      Realtime: { BufferBytes: 65_536 },
      ratelimit: { isEnabled: false },
    },
  });
  await createCollections(pair);
  return pair;
};

/** Of one list, what the other lacks. */
export const less = (list: readonly string[], other: readonly string[]): string[] => {
  const rest = [...other];
  return list.filter((item) => {
    const at = rest.indexOf(item);
    if (at >= 0) rest.splice(at, 1);
    return at < 0;
  });
};
