// `/api/realtime`: streams of events that end at Hapta, and their subscriptions. Answers as PocketBase does.
import { readStructMembers } from "../bodies/structMembers.ts";
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer } from "../http/answer.ts";
import { OWN_HEADERS } from "../http/ownHeaders.ts";
import { multipartCodec } from "../multipart/codec.ts";
import type { Routes } from "../pipeline.ts";
import { EventStream } from "../realtime/eventStream.ts";
import type { Hub } from "../realtime/hub.ts";
import type { Services } from "../services.ts";
import { headerValue } from "../utils/headers.ts";
import { createSocketRoute } from "./realtimeSocket.ts";
import { checkSubscription, subjectOf, subscribe } from "./subscribing.ts";

const STREAM_HEADERS: readonly string[] = [
  "Content-Type",
  "text/event-stream",
  "Cache-Control",
  "no-store",
  "X-Accel-Buffering",
  "no",
  ...OWN_HEADERS,
];

export const createRealtimeRoutes = (services: Services): Routes["answer"] => {
  const { hub } = services;
  const openSocket = createSocketRoute(services);
  return (exchange, stages) => {
    if (exchange.socketKey !== undefined) return openSocket(exchange, stages);
    if (exchange.method === "POST") return answerPost(hub, exchange);
    if (exchange.method === "HEAD") return { status: 200, headers: [...STREAM_HEADERS], body: null };
    const subscriber = hub.connect(exchange.client.address, headerValue(exchange.headers, "last-event-id"));
    if (subscriber === undefined) throw new Refusal("overloaded", { retryAfterSeconds: 5 });
    return { status: 200, headers: [...STREAM_HEADERS], body: new EventStream(subscriber) };
  };
};

const answerPost = async (hub: Hub, exchange: Exchange): Promise<Answer> => {
  const { body, client, headers } = exchange;
  const type = headerValue(headers, "content-type") ?? "";
  const members = body.kind === "bytes" ? readStructMembers(body.bytes, type, multipartCodec) : new Map();
  const { clientId, topics } = checkSubscription(members, !type.startsWith("application/json"));
  // Its name went as `state` through a browser and to a provider: whoever learnt it there must not end its wait.
  if (hub.logins.has({ id: clientId })) throw new Refusal("subscription_denied");
  await subscribe(hub, { clientId, topics, subject: subjectOf(exchange), address: client.address });
  return { status: 204, headers: [...OWN_HEADERS], body: null };
};
