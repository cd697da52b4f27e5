// Realtime with Hapta's tokens: private events arrive for whoever may see them, and stop with the session.
import { expect, test } from "bun:test";
import { type EventStream, openEventStream } from "../support/eventStream.ts";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { ADA, BEN, call, login, logout, refreshed, sharedPair } from "./support.ts";

const pair = sharedPair();

const subscribe = async (stream: EventStream, token: string | undefined): Promise<void> => {
  const subscriptions = ["diaries/*", "notices/*"];
  const answer = await call(pair.url, {
    path: "/api/realtime",
    token,
    json: { clientId: stream.clientId, subscriptions },
  });
  expect(answer.status).toBe(204);
};

const edit = async (path: string, token: string, json: unknown): Promise<void> => {
  const answer = await call(pair.url, { method: "PATCH", path: `/api/collections/${path}`, token, json });
  expect(answer.status).toBe(200);
};

test("a private event reaches its owner, not others, guests or raw tokens", async () => {
  const ada = await login(pair.url, ADA);
  const ben = await login(pair.url, BEN);
  using mine = await openEventStream(pair.url);
  using bens = await openEventStream(pair.url);
  using guests = await openEventStream(pair.url);
  using raws = await openEventStream(pair.url);
  await subscribe(mine, ada);
  await subscribe(bens, ben);
  await subscribe(guests, undefined);
  await subscribe(raws, pair.pb.world.tokens.ada);
  await edit(`diaries/records/${IDS.diary}`, ada, { entry: "seen by me" });
  await mine.contains("seen by me");
  // A public event after the private one: whoever has it would have had the other.
  await edit(`notices/records/${IDS.bigNotice}`, ada, { title: "seen by all" });
  for (const stream of [bens, guests, raws])
    expect(await stream.contains("seen by all")).not.toContain("seen by me");
});

test("a refresh keeps the stream, a logout ends it", async () => {
  const ada = await login(pair.url, ADA);
  using stream = await openEventStream(pair.url);
  await subscribe(stream, ada);
  const next = await refreshed(pair.url, ada);
  await edit(`diaries/records/${IDS.diary}`, next, { entry: "after the refresh" });
  await stream.contains("after the refresh");
  expect(await logout(pair.url, next)).toBe(204);
  await eventually(() => !stream.isOpen(), 1_000);
});

test("a logout ends the stream however it was subscribed on: a form of either kind, a form with JSON in it", async () => {
  const subscribeWith: ((clientId: string) => FormData | URLSearchParams)[] = [
    (clientId) => new URLSearchParams({ clientId, subscriptions: "diaries/*" }),
    (clientId) => formOf({ clientId, subscriptions: "diaries/*" }),
    (clientId) => formOf({ "@jsonPayload": JSON.stringify({ clientId, subscriptions: ["diaries/*"] }) }),
  ];
  for (const bodyFor of subscribeWith) {
    const ada = await login(pair.url, ADA);
    using stream = await openEventStream(pair.url);
    const body = bodyFor(stream.clientId);
    const answer = await fetch(`${pair.url}/api/realtime`, {
      method: "POST",
      headers: { Authorization: ada },
      body,
    });
    expect(answer.status).toBe(204);
    const text = `seen with ${stream.clientId}`;
    await edit(`diaries/records/${IDS.diary}`, ada, { entry: text });
    await stream.contains(text);
    expect(await logout(pair.url, ada)).toBe(204);
    await eventually(() => !stream.isOpen(), 2_000);
  }
});

const formOf = (fields: Readonly<Record<string, string>>): FormData => {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
};
