// Parity of realtime over SSE: the first bytes, subscriptions, events per caller, and refusals.
import { expect, test } from "bun:test";
import { type EventStream, openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { type Caller, type Scenario, send, sendForJson, testScenarios } from "../support/scenario.ts";
import { describeTargets, type Target } from "../support/targets.ts";
import type { WireResponse } from "../support/wireReader.ts";

const NOTICES = "/api/collections/notices/records";

const refusals: readonly Scenario[] = [
  {
    name: "subscribing an unknown client is 404",
    method: "POST",
    path: "/api/realtime",
    json: { clientId: "nope", subscriptions: [] },
    status: 404,
    exactly: '{"data":{},"message":"Missing or invalid client id.","status":404}\n',
  },
  {
    name: "subscribing without a client is a field error",
    method: "POST",
    path: "/api/realtime",
    json: {},
    status: 400,
    contains: ['"clientId":{"code":"validation_required"'],
  },
  {
    name: "subscribing with a string of topics is 400",
    method: "POST",
    path: "/api/realtime",
    json: { clientId: "x", subscriptions: "a" },
    status: 400,
    contains: ['"data":{}'],
  },
  {
    name: "subscribing to 1001 topics is a field error",
    method: "POST",
    path: "/api/realtime",
    json: { clientId: "x", subscriptions: Array.from({ length: 1001 }, (_, i) => `t${i}`) },
    status: 400,
    contains: ['"subscriptions":{"code":"validation_length_too_long"'],
  },
];

const subscribe = (
  target: Target,
  stream: EventStream,
  options: { readonly as?: Caller; readonly topics: readonly string[] },
): Promise<WireResponse> =>
  send(target, {
    as: options.as ?? "guest",
    method: "POST",
    path: "/api/realtime",
    json: { clientId: stream.clientId, subscriptions: options.topics },
  });

const change = (target: Target, id: string, title: string): Promise<Record<string, unknown>> =>
  sendForJson(target, { method: "PATCH", path: `${NOTICES}/${id}`, json: { title } });

describeTargets("realtime", (target) => {
  testScenarios(target, refusals);

  test("connecting answers the exact first bytes and headers", async () => {
    using stream = await openEventStream(target.url, { headers: [["Accept", "text/event-stream"]] });
    expect(stream.status).toBe(200);
    expect(stream.clientId).toMatch(/^[A-Za-z0-9]{40}$/);
    expect(stream.text()).toBe(
      `id:${stream.clientId}\nevent:PB_CONNECT\ndata:{"clientId":"${stream.clientId}"}\n\n`,
    );
    const named = Object.fromEntries(stream.headers.map(([name, value]) => [name.toLowerCase(), value]));
    expect(named["content-type"]).toBe("text/event-stream");
    expect(named["cache-control"]).toBe("no-store");
    expect(named["x-accel-buffering"]).toBe("no");
    expect(named["transfer-encoding"]).toBe("chunked");
  });

  test("a subscription answers 204 and delivers events with the topic as subscribed", async () => {
    using stream = await openEventStream(target.url);
    const topic = `notices/*?options=${encodeURIComponent('{"query":{"fields":"id,title"}}')}`;
    const answer = await subscribe(target, stream, { topics: [topic] });
    expect(`${answer.status} ${answer.framing}`).toBe("204 none");
    await change(target, "notice000000001", "Realtime one");
    const data = '{"record":{"id":"notice000000001","title":"Realtime one"},"action":"update"}';
    const text = await stream.contains(`\nevent:${topic}\ndata:${data}\n\n`);
    const [, id] = /id:(.*)\nevent:notices/.exec(text) ?? [];
    // A listed difference: Hapta's events say where they stand.
    if (target.name === "pocketbase") expect(id).toBe(stream.clientId);
    else expect(id).toMatch(/^[0-9a-f]{8}-\d+$/);
  });

  test("create and delete are delivered, to record topics only their own", async () => {
    using stream = await openEventStream(target.url);
    await subscribe(target, stream, { topics: ["notices/*", "notices/notice000000002"] });
    await sendForJson(target, {
      method: "POST",
      path: NOTICES,
      json: { id: "rtcreated000001", title: "New" },
    });
    await stream.contains('"action":"create"}\n\n');
    await sendForJson(target, { method: "DELETE", path: `${NOTICES}/rtcreated000001` });
    const text = await stream.contains('"action":"delete"}\n\n');
    expect(text).not.toContain("event:notices/notice000000002");
    await change(target, "notice000000002", "Own topic");
    await stream.contains("event:notices/notice000000002\ndata:");
  });

  test("subscribing again replaces all topics", async () => {
    using stream = await openEventStream(target.url);
    await subscribe(target, stream, { topics: ["notices/notice000000003"] });
    await subscribe(target, stream, { topics: ["notices/notice000000004"] });
    await change(target, "notice000000003", "Silent");
    await change(target, "notice000000004", "Heard");
    const text = await stream.contains("Heard");
    expect(text).not.toContain("Silent");
  });

  test("events of private records reach their owner and nobody else", async () => {
    using owner = await openEventStream(target.url);
    using other = await openEventStream(target.url);
    await subscribe(target, owner, { as: "ada", topics: ["diaries/*"] });
    await subscribe(target, other, { as: "ben", topics: ["diaries/*", "notices/notice000000005"] });
    const path = `/api/collections/diaries/records/${IDS.diary}`;
    await sendForJson(target, { as: "ada", method: "PATCH", path, json: { entry: "newer private words" } });
    await owner.contains("newer private words");
    await change(target, "notice000000005", "Public mark");
    expect(await other.contains("Public mark")).not.toContain("private words");
  });

  test("a stream may not change from one caller to another", async () => {
    using stream = await openEventStream(target.url);
    expect((await subscribe(target, stream, { topics: ["notices/*"] })).status).toBe(204);
    expect((await subscribe(target, stream, { as: "ada", topics: ["notices/*"] })).status).toBe(204);
    const answer = await subscribe(target, stream, { as: "ben", topics: ["notices/*"] });
    expect(answer.text).toBe(
      '{"data":{},"message":"The current and the previous request authorization don\'t match.","status":403}\n',
    );
  });

  test("a closed stream's client is gone", async () => {
    const stream = await openEventStream(target.url);
    stream[Symbol.dispose]();
    const isGone = async (): Promise<boolean> =>
      (await subscribe(target, stream, { topics: [] })).status === 404;
    expect(await eventually(isGone, 5_000)).toBe(true);
  });

  test("twenty streams each hear every event", async () => {
    const streams = await Promise.all(Array.from({ length: 20 }, () => openEventStream(target.url)));
    await Promise.all(
      streams.map((stream) => subscribe(target, stream, { topics: ["notices/notice000000006"] })),
    );
    await change(target, "notice000000006", "To all");
    for (const stream of streams) {
      await stream.contains("To all");
      stream[Symbol.dispose]();
    }
    expect(new Set(streams.map((stream) => stream.clientId)).size).toBe(20);
  });
});
