// Clients that take their answers slowly: as long as they take enough of them they are served, whatever it takes.
import { afterAll, expect, spyOn, test } from "bun:test";
import { ServerConnection } from "./serverConnection.ts";

const TIMEOUTS = { headMs: 10_000, idleMs: 60_000, stallMs: 60_000, lingerMs: 2_000 };
const BODY_BYTES = 1_000_000;

let nowMs = 0;
const clock = spyOn(performance, "now");
afterAll(() => {
  clock.mockRestore();
});

/**
 * How long a client that takes so many bytes every ten seconds is served, in ms, and whether it was cut then.
 * @param tells - Whether its socket says each time that there is room.
 */
const serve = (bytesPerTenSeconds: number, takenBytesMin: number, tells = true) => {
  nowMs = 0;
  clock.mockImplementation(() => nowMs);
  let room = 0;
  let isCut = false;
  const socket = {
    data: { connection: undefined, peer: undefined },
    remoteAddress: "127.0.0.1",
    write: (part: Uint8Array) => {
      const taken = Math.min(room, part.length);
      room -= taken;
      return taken;
    },
    pause: () => undefined,
    resume: () => undefined,
    shutdown: () => undefined,
    close: () => undefined,
    terminate: () => {
      isCut = true;
    },
  };
  const answer = () => ({ status: 200, headers: [], body: new Uint8Array(BODY_BYTES) });
  const options = { handle: answer, refuse: answer, timeouts: TIMEOUTS, takenBytesMin };
  const connection = new ServerConnection(socket, options, nowMs);
  connection.onData(Buffer.from("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"));
  while (!isCut && !connection.isIdle) {
    nowMs += 10_000;
    room += bytesPerTenSeconds;
    if (tells) connection.onDrain();
    if (!connection.isIdle) connection.sweep(nowMs);
  }
  return { forMs: nowMs, isCut };
};

test("a client that takes a byte now and then is cut after a minute", () => {
  expect(serve(10, 30_000)).toEqual({ forMs: 60_000, isCut: true });
  expect(serve(4_900, 30_000)).toEqual({ forMs: 60_000, isCut: true });
});

test("a client that takes enough of its answer in each minute gets all of it", () => {
  const { forMs, isCut } = serve(5_000, 30_000);
  expect([isCut, forMs]).toEqual([false, 2_010_000]);
});

test("without a bound any byte will do, and none will not", () => {
  expect(serve(1_000, 1)).toEqual({ forMs: 10_010_000, isCut: false });
  expect(serve(0, 1)).toEqual({ forMs: 60_000, isCut: true });
});

test("a client whose socket tells of no room is cut only when there is none", () => {
  expect(serve(5_000, 30_000, false)).toEqual({ forMs: 2_040_000, isCut: false });
  expect(serve(4_900, 30_000, false)).toEqual({ forMs: 60_000, isCut: true });
});
