// `/ws/realtime`: hands a client over to WebSocket. What it asks for then is answered elsewhere (socketCaller.ts).
import { Refusal } from "../errors.ts";
import type { Exchange } from "../exchange.ts";
import type { Answer, HandOver } from "../http/answer.ts";
import type { Connection } from "../http/connectionOptions.ts";
import type { AgainStages } from "../pipeline.ts";
import { SocketClient } from "../realtime/socketClient.ts";
import type { Services } from "../services.ts";
import { type Talk, WebSocketConnection } from "../websocket/webSocketConnection.ts";
import { SocketCaller } from "./socketCaller.ts";

/** RFC 6455 section 1.3. */
const MAGIC = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const FULL = 1013;

/** Makes the route. @throws Refusal `overloaded` */
export const createSocketRoute = (
  services: Services,
): ((exchange: Exchange, stages: AgainStages) => Answer) => {
  const { hub, channels } = services;

  const talkWith = (connection: WebSocketConnection, caller: SocketCaller): Talk => {
    const subscriber = hub.connect(caller.address);
    if (subscriber === undefined) {
      connection.close(FULL, "too many clients");
      return SILENT;
    }
    const client = new SocketClient(connection, { subscriber, calls: caller, channels });
    caller.enter(subscriber);
    return client;
  };

  return (exchange, stages) => {
    if (hub.isFull) throw new Refusal("overloaded", { retryAfterSeconds: 5 });
    const accept = Bun.SHA1.hash(`${exchange.socketKey}${MAGIC}`, "base64");
    const caller = new SocketCaller(services, stages, exchange);
    const upgrade = (handOver: HandOver): Connection =>
      new WebSocketConnection(handOver, (connection) => talkWith(connection, caller));
    const headers = ["Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Accept", accept];
    return { status: 101, headers, body: null, upgrade };
  };
};

const SILENT: Talk = { onText: () => undefined, onFlow: () => undefined, onOver: () => undefined };
