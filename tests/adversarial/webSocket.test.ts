// Raw sockets at /ws/realtime: requests that are no upgrade, bytes that come too early, and frames nobody may send.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { clientFrame } from "../support/clientFrame.ts";
import { eventually } from "../support/eventually.ts";
import { startGateway, type TestGateway } from "./gateway.ts";
import { RawClient, talk } from "./rawClient.ts";

const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
const FIELDS: Readonly<Record<string, string>> = {
  Host: "app.test",
  Connection: "keep-alive, Upgrade",
  Upgrade: "websocket",
  "Sec-WebSocket-Version": "13",
  "Sec-WebSocket-Key": KEY,
};

/** A request for a WebSocket; a field that is changed to "" is left out. */
const upgrade = (
  change: Readonly<Record<string, string>> = {},
  line = "GET /ws/realtime HTTP/1.1",
): string => {
  const fields = Object.entries({ ...FIELDS, ...change }).filter(([, value]) => value !== "");
  return `${line}\r\n${fields.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
};

let gateway: TestGateway;
beforeAll(() => {
  gateway = startGateway("http://127.0.0.1:9", {
    config: { Realtime: { MaxClients: 8, MaxClientsPerAddress: 4 }, ratelimit: { isEnabled: true } },
  });
});
afterAll(() => gateway[Symbol.asyncDispose]());

const open = async (change?: Readonly<Record<string, string>>): Promise<RawClient> => {
  const client = await RawClient.open(gateway.port);
  client.write(upgrade(change));
  await client.contains('"type":"connected"');
  return client;
};

/** Code and reason of the close frame that everything received ends with. */
const closeOf = ({ received }: RawClient): string => {
  const at = received.lastIndexOf(0x88);
  return `${received.readUInt16BE(at + 2)} ${received.toString("utf8", at + 4)}`;
};

describe("the request", () => {
  test("is answered with the accept key of RFC 6455, and no extension or protocol", async () => {
    using client = await open({
      "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits",
      "Sec-WebSocket-Protocol": "chat",
    });
    expect(client.text).toStartWith("HTTP/1.1 101 Switching Protocols\r\n");
    expect(client.text).toContain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
    expect(client.text).toContain("Connection: Upgrade\r\n");
    expect(client.text).not.toMatch(/Sec-WebSocket-(?:Extensions|Protocol)|close|Content-Length|Transfer/i);
  });

  test.each<[string, string, string]>([
    ["no upgrade", "426 upgrade_required", upgrade({ Upgrade: "" })],
    ["another upgrade", "426 upgrade_required", upgrade({ Upgrade: "h2c" })],
    ["a POST", "426 upgrade_required", upgrade({ Upgrade: "" }, "POST /ws/realtime HTTP/1.1")],
    ["another version", "426 upgrade_required", upgrade({ "Sec-WebSocket-Version": "8" })],
    ["no version", "400 upgrade_invalid", upgrade({ "Sec-WebSocket-Version": "" })],
    ["no key", "400 upgrade_invalid", upgrade({ "Sec-WebSocket-Key": "" })],
    ["a short key", "400 upgrade_invalid", upgrade({ "Sec-WebSocket-Key": "c2hvcnQ=" })],
    ["a key of other letters", "400 upgrade_invalid", upgrade({ "Sec-WebSocket-Key": `${KEY.slice(1)}!` })],
    ["two keys", "400 upgrade_invalid", upgrade({ "sec-websocket-key": KEY })],
    ["HTTP/1.0", "400 upgrade_invalid", upgrade({}, "GET /ws/realtime HTTP/1.0")],
    ["an upgrade by POST", "400 upgrade_invalid", upgrade({}, "POST /ws/realtime HTTP/1.1")],
    ["a body", "400 upgrade_invalid", upgrade({ "Content-Length": "3" })],
    ["no Connection", "400 upgrade_invalid", upgrade({ Connection: "" })],
    ["another Connection", "400 upgrade_invalid", upgrade({ Connection: "keep-alive" })],
  ])("%s is refused with %s", async (_, verdict, bytes) => {
    using client = await RawClient.open(gateway.port);
    client.write(bytes);
    await client.contains("\r\n\r\n{");
    const [status = "", code = ""] = verdict.split(" ");
    expect(client.statuses).toEqual([Number(status)]);
    expect(client.text).toContain(`X-Hapta-Error: ${code}\r\n`);
    expect(client.text.includes("Upgrade: websocket\r\n")).toBe(status === "426");
  });

  test("a refused one ends its connection: what a proxy would tunnel behind it is not served", async () => {
    const smuggled = "GET /hapta/live HTTP/1.1\r\nHost: app.test\r\n\r\n";
    const client = await talk(gateway.port, upgrade({ "Sec-WebSocket-Version": "8" }) + smuggled);
    expect(client.statuses).toEqual([426]);
  });

  test("bytes that come before the answer are no part of anything", async () => {
    const early = Buffer.concat([
      Buffer.from(upgrade()),
      clientFrame({ opcode: 1, payload: '{"type":"ping"}' }),
    ]);
    const frames = await talk(gateway.port, early);
    expect(frames.text).toBe("");
    const request = await talk(
      gateway.port,
      `${upgrade()}GET /hapta/live HTTP/1.1\r\nHost: app.test\r\n\r\n`,
    );
    expect(request.text).toBe("");
    await eventually(() => gateway.services.hub.size === 0, 2_000);
  });

  test("other paths do not upgrade", async () => {
    for (const path of ["/ws/realtime/", "/ws/realtime/x", "/WS/realtime", "/hapta/live"]) {
      const client = await talk(gateway.port, upgrade({}, `GET ${path} HTTP/1.1`), 5_000);
      expect(client.statuses).not.toContain(101);
      expect(client.statuses).toHaveLength(1);
    }
  });
});

describe("frames", () => {
  const whole = { opcode: 1, payload: "{}" };
  test.each<[string, string, Buffer]>([
    ["without a mask", "1002 protocol error", clientFrame({ ...whole, isMasked: false })],
    ["compressed", "1002 protocol error", clientFrame({ ...whole, reserved: 4 })],
    ["binary", "1003 text messages only", clientFrame({ ...whole, opcode: 2 })],
    ["a ping in fragments", "1002 protocol error", clientFrame({ opcode: 9, isFinal: false })],
    ["not UTF-8", "1007 not UTF-8", clientFrame({ opcode: 1, payload: Uint8Array.of(0xff) })],
    ["of 2^40 bytes", "1009 the message is too long", clientFrame({ ...whole, length: 2 ** 40 })],
    ["of 64 KiB and one byte", "1009 the message is too long", clientFrame({ ...whole, length: 65_537 })],
  ])("%s close the connection with %s", async (_, reason, bytes) => {
    using client = await open();
    client.write(bytes);
    expect(await client.closed()).toBe("end");
    expect(closeOf(client)).toBe(reason);
  });

  test("random bytes end it, and it alone", async () => {
    using other = await open();
    for (let i = 0; i < 30; i++) {
      using client = await open();
      client.write(crypto.getRandomValues(new Uint8Array(1 + ((i * 97) % 3_000))));
      client.write(clientFrame({ opcode: 8 }));
      client.socket.end();
      await client.closed();
    }
    other.write(clientFrame({ opcode: 1, payload: '{"type":"ping"}' }));
    await other.contains('{"type":"pong"}');
    expect(gateway.lines.filter(({ level }) => level === "error")).toEqual([]);
  });

  test("a frame that drips in byte by byte is read; its half holds nobody up", async () => {
    using client = await open();
    for (const byte of clientFrame({ opcode: 1, payload: '{"type":"ping"}' }))
      client.write(Uint8Array.of(byte));
    await client.contains('{"type":"pong"}');
  });
});

describe("bounds", () => {
  test("places of an address, and their return", async () => {
    const clients = await Promise.all([open(), open(), open(), open()]);
    const fifth = await talk(gateway.port, upgrade());
    expect(fifth.text).toContain("X-Hapta-Error: too_many_streams\r\n");
    for (const client of clients) client[Symbol.dispose]();
    await eventually(() => gateway.services.hub.size === 0, 2_000);
    using again = await open();
    expect(again.statuses).toEqual([101]);
  });

  test("a client that only talks is not listened to for ever", async () => {
    using client = await open();
    const bytes = clientFrame({ opcode: 1, payload: "no frame of ours" });
    client.write(Buffer.concat(Array.from({ length: 1_000 }, () => bytes)));
    await client.contains("too many frames");
    expect(closeOf(client)).toBe("4429 too many frames");
    expect(client.text).toContain('"code":"rate_limited"');
    expect(client.text).toContain('"retryAfter":');
  });
});
