// Event streams on the wire of an answer: what many are given at once reaches each of them whole.
import { expect, test } from "bun:test";
import { AnswerWriter } from "../http/answerWriter.ts";
import { Outbox } from "../http/outbox.ts";
import { EventStream } from "./eventStream.ts";
import { Batch, Message } from "./message.ts";
import { Subscriber } from "./subscriber.ts";

const HEADERS = ["Content-Type", "text/event-stream"];
const ID = "a".repeat(40);

/** A client that takes everything, and all it was sent. */
const connect = (minor: 0 | 1): { readonly client: Subscriber; readonly sent: () => string } => {
  const sent: Buffer[] = [];
  const socket = { write: (bytes: Uint8Array) => sent.push(Buffer.from(bytes)) && bytes.length };
  const client = new Subscriber(
    { id: ID, address: "192.0.2.1", since: undefined },
    { bufferBytesMax: 1_000_000, onOver: () => undefined },
  );
  const watcher = { onStall: () => undefined, onEnd: () => undefined };
  const writer = new AnswerWriter(new Outbox(socket), { isHead: false, minor, closes: minor === 0 }, watcher);
  const stream = new EventStream(client);
  writer.write({ status: 200, headers: [...HEADERS], body: stream }, stream);
  sent.length = 0;
  return { client, sent: () => Buffer.concat(sent.splice(0)).toString() };
};

/** As HTTP/1.1 frames it (RFC 9112 section 7.1). */
const chunked = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

test("an event reaches clients of HTTP/1.0 and 1.1 alike, however large it is", () => {
  const clients = [connect(0), connect(1), connect(0), connect(1)];
  const data = "ä".repeat(200_000);
  const one = new Message("posts/*", data, { epoch: "00000000", number: 1 });
  const two = new Message("posts/*", "2", { epoch: "00000000", number: 2 });
  const text = `id:00000000-1\nevent:posts/*\ndata:${data}\n\n`;
  const next = "id:00000000-2\nevent:posts/*\ndata:2\n\n";
  for (const { client } of clients) client.push(one);
  expect(clients.map(({ sent }) => sent())).toEqual([text, chunked(text), text, chunked(text)]);
  for (const { client } of clients) client.push(new Batch([one, two]));
  const both = text + next;
  expect(clients.map(({ sent }) => sent())).toEqual([both, chunked(both), both, chunked(both)]);
});

test("a message that is part of no history bears the client's name, as PocketBase's do", () => {
  const clients = [connect(0), connect(1)];
  for (const { client } of clients) client.push(new Message("@oauth2", "{}"));
  const text = `id:${ID}\nevent:@oauth2\ndata:{}\n\n`;
  expect(clients.map(({ sent }) => sent())).toEqual([text, chunked(text)]);
});
