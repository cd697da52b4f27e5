// What is said over a WebSocket, both ways: reads a client's frames, writes the server's. Sends nothing.
import { encodeText } from "../websocket/frame.ts";
import { type Offset, renderOffset } from "./offset.ts";
import type { Joined } from "./recovery.ts";

/** A client's frame. */
export type ClientFrame =
  | {
      readonly type: "auth";
      /** As in an Authorization header; "" to be a guest. */
      readonly token: string;
      /** DPoP proof for this token, for sessions that are bound to a key. */
      readonly proof: string | undefined;
    }
  | {
      readonly type: "subscribe" | "unsubscribe";
      readonly topics: readonly string[];
      /** Where it left off, by topic. */
      readonly since: ReadonlyMap<string, string>;
    }
  | {
      readonly type: "join" | "message";
      readonly channel: string;
      /** Any JSON: what a member says about itself, or to the others. */
      readonly data: unknown;
    }
  | { readonly type: "leave"; readonly channel: string }
  | { readonly type: "ping" };

/** Why something was not done. */
export interface SocketFault {
  readonly code: string;
  readonly message: string;
  /** The topic it is about, where the frame had one only. */
  readonly topic?: string | undefined;
  /** The channel it is about. */
  readonly channel?: string | undefined;
  /** PocketBase's field errors. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
  /** Seconds to wait before the next try. */
  readonly retryAfter?: number | undefined;
  /** To be signed into the next proof. */
  readonly nonce?: string | undefined;
}

/** What a refusal of the frame is about. */
export const aboutOf = (frame: ClientFrame): Pick<SocketFault, "topic" | "channel"> => {
  if ("channel" in frame) return { channel: frame.channel };
  return "topics" in frame && frame.topics.length === 1 ? { topic: frame.topics[0] } : {};
};

/** Reads a frame; a text says what is wrong with it. Unknown members are passed over. */
export const readClientFrame = (text: string): ClientFrame | string => {
  const json = parsed(text);
  if (typeof json !== "object" || json === null) return "A frame is a JSON object.";
  const member = (name: string): unknown => Reflect.get(json, name);
  const type = member("type");
  switch (type) {
    case "ping":
      return { type };
    case "auth":
      return readAuth(member);
    case "subscribe":
    case "unsubscribe":
      return readTopics(type, member);
    case "join":
    case "leave":
    case "message":
      return readChannel(type, member);
    default:
      return "A frame has a known type.";
  }
};

type Member = (name: string) => unknown;

const readAuth = (member: Member): ClientFrame | string => {
  const [token, proof] = [member("token"), member("proof")];
  if (typeof token !== "string") return 'A frame of the type "auth" has a text "token".';
  if (proof !== undefined && typeof proof !== "string") return 'The "proof" is a text.';
  return { type: "auth", token, proof };
};

const readTopics = (type: "subscribe" | "unsubscribe", member: Member): ClientFrame | string => {
  const topics = member("topics");
  if (!isTexts(topics)) return `A frame of the type "${type}" has a list "topics" of texts.`;
  const since = readSince(member("since") ?? {});
  return since === undefined ? 'The "since" has a text for each topic.' : { type, topics, since };
};

const readChannel = (type: "join" | "leave" | "message", member: Member): ClientFrame | string => {
  const channel = member("channel");
  if (typeof channel !== "string") return `A frame of the type "${type}" has a text "channel".`;
  return type === "leave" ? { type, channel } : { type, channel, data: member("data") };
};

const readSince = (value: unknown): ReadonlyMap<string, string> | undefined => {
  if (typeof value !== "object" || value === null) return undefined;
  const offsets = Object.entries(value);
  return isTexts(offsets.map(([, offset]) => offset)) ? new Map(offsets) : undefined;
};

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // no JSON, or nested too deep to be any of ours
  }
};

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((one) => typeof one === "string");

/** `{"type":"pong"}`. */
export const PONG = encodeText('{"type":"pong"}');

/** The first frame; a later one says that events may have been missed. */
export const connectedFrame = (clientId: string): Uint8Array =>
  encodeText(`{"type":"connected","clientId":"${clientId}"}`);

/** All topics that are in force now; of those it said an offset of, whether everything since then was told. */
export const subscribedFrame = (topics: readonly string[], joined: Joined | undefined): Uint8Array => {
  const recovered = Object.fromEntries(joined?.recovered ?? []);
  const rest = { offset: joined?.offset, ...(joined?.recovered.size && { recovered }) };
  return encodeText(JSON.stringify({ type: "subscribed", topics, ...rest }));
};

/** What was asked of a channel is done. */
export const channelFrame = (type: "left" | "sent", channel: string): Uint8Array =>
  encodeText(JSON.stringify({ type, channel }));

/** Members that are undefined are left out. */
export const errorFrame = (fault: SocketFault): Uint8Array =>
  encodeText(JSON.stringify({ type: "error", ...fault }));

/** One event; `data` as PocketBase wrote it, or as a text when an app's own message is no JSON. */
export const eventFrame = (topic: string, data: string, offset: Offset | undefined): Uint8Array => {
  const value = parsed(data) === undefined ? JSON.stringify(data) : data;
  const place = offset === undefined ? "" : `,"offset":"${renderOffset(offset)}"`;
  return encodeText(`{"type":"event","topic":${JSON.stringify(topic)},"data":${value}${place}}`);
};
