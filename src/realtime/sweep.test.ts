// Who is quiet gets a sign of life, who was written to a moment ago does not. The clock is played.
import { expect, test } from "bun:test";
import { Message } from "./message.ts";
import { Subscriber } from "./subscriber.ts";
import { HUB_TIMES, sweepClients } from "./sweep.ts";

const { beatMs, sweepMs } = HUB_TIMES;

test("a client that is told something every 20 s gets no sign of life, a quiet one gets one every 25 s", () => {
  const beats = { told: 0, quiet: 0 };
  const clients = new Map<string, Subscriber>();
  const join = (id: keyof typeof beats): Subscriber => {
    const place = { id, address: "192.0.2.1", since: undefined };
    const client = new Subscriber(place, { bufferBytesMax: 1_000, onOver: () => undefined });
    client.attach({
      message: () => true,
      beat: () => {
        beats[id] += 1;
        return true;
      },
      gap: () => true,
      joined: () => true,
      place: () => true,
      leave: () => undefined,
      close: () => undefined,
    });
    client.turn = 1;
    clients.set(id, client);
    return client;
  };
  const told = join("told");
  join("quiet");
  const sweeps = (4 * (beatMs + sweepMs)) / sweepMs;
  for (let sweep = 0; sweep <= sweeps; sweep++) {
    if (sweep % (20_000 / sweepMs) === 0) told.push(new Message("a/*", "1"));
    sweepClients(clients, { ...HUB_TIMES, nowMs: sweep * sweepMs, isOver: () => false });
  }
  expect(beats).toEqual({ told: 0, quiet: 4 });
});
