// Streams by client id: bound, cut with their session, forgotten when they end.
import { describe, expect, test } from "bun:test";
import type { BodySink, BodySource } from "../http/answer.ts";
import { LiveStreams } from "./liveStreams.ts";

const ID = "vLpnzaGtL3QdgiZP4IjoZBgA5I0ESYlQVJEQ59gX";

interface Opened {
  readonly events: string[];
  readonly feed: BodySink;
}

const open = (streams: LiveStreams, id: string, cutAt = id.length + 4): Opened => {
  const events: string[] = [];
  let feed: BodySink | undefined;
  const source: BodySource = {
    start: (sink) => {
      feed = sink;
    },
    resume: () => undefined,
    cancel: () => events.push("cancelled"),
  };
  streams.track(source, "127.0.0.1").start({
    data: (chunk) => {
      events.push(Buffer.from(chunk).toString());
      return true;
    },
    end: () => events.push("end"),
    fail: () => events.push("fail"),
  });
  if (feed === undefined) throw new Error("the stream was not started");
  const first = `id:${id}\nevent:PB_CONNECT\n\n`;
  feed.data(Buffer.from(first.slice(0, cutAt)));
  feed.data(Buffer.from(first.slice(cutAt)));
  events.length = 0;
  return { events, feed };
};

const owner = (id: string, uid = "u1", cid = "c1") => ({ id, uid, cid });

describe("LiveStreams", () => {
  test("LiveStreams ends the stream of a session that is over, cleanly, and no other", () => {
    const streams = new LiveStreams();
    const [one, two] = [open(streams, ID), open(streams, `${ID.slice(0, 39)}Z`)];
    streams.bind(ID, owner("s1"));
    streams.bind(`${ID.slice(0, 39)}Z`, owner("s2"));
    expect(streams.end({ ids: ["s1"], cid: "c1", uid: "u1" })).toBe(1);
    expect(one.events).toEqual(["cancelled", "end"]);
    one.feed.data(Buffer.from("late"));
    one.feed.end();
    expect(one.events).toEqual(["cancelled", "end"]);
    expect(two.events).toEqual([]);
    expect(streams.size).toBe(1);
  });

  test("LiveStreams ends all of a record, a collection or everybody", () => {
    for (const [ended, count] of [
      [{ ids: [], cid: "c1", uid: "u1" }, 1],
      [{ ids: [], cid: "c1", uid: undefined }, 2],
      [{ ids: [], cid: undefined, uid: undefined }, 3],
    ] as const) {
      const streams = new LiveStreams();
      for (const [n, who] of [owner("a"), owner("b", "u2"), owner("c", "u1", "c2")].entries()) {
        open(streams, `${ID.slice(0, 39)}${n}`);
        streams.bind(`${ID.slice(0, 39)}${n}`, who);
      }
      expect(streams.end(ended)).toBe(count);
    }
  });

  test("LiveStreams reads an id that comes in pieces and leaves unbound streams alone", () => {
    const streams = new LiveStreams();
    const one = open(streams, ID, 7);
    expect(streams.size).toBe(1);
    expect(streams.end({ ids: [], cid: undefined, uid: undefined })).toBe(0);
    one.feed.fail(new Error("cut"));
    expect(one.events).toEqual(["fail"]);
    expect(streams.size).toBe(0);
    streams.bind(ID, owner("s1"));
    expect(streams.end({ ids: ["s1"], cid: "c1", uid: "u1" })).toBe(0);
  });
});
