// Channels over WebSocket: presence and messages between clients, who may enter, and when a member is gone. Its rules are
// PocketBase's where a channel stands for a record; without one, PocketBase is not even there.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { startGateway } from "../adversarial/gateway.ts";
import { ADA, BEN, login, logout, type Pair, START_MS, startPair, TEST_MS } from "../sessions/support.ts";
import { within } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { openSocket, type Socket } from "../support/socket.ts";
import { asRoot, createCollections } from "./support.ts";

setDefaultTimeout(TEST_MS);
const Channels = {
  lobby: { Join: "public", MaxMembers: 2 },
  "room/{room}": { Join: "auth" },
  "doc/{id}": { Join: "rt_owner/{id}" },
};

let pair: Pair;
beforeAll(async () => {
  pair = await startPair({ config: { Realtime: { Channels } } });
  await createCollections(pair);
}, START_MS);
afterAll(() => pair[Symbol.asyncDispose](), START_MS);

const join = (channel: string, data?: unknown) => ({ type: "join", channel, data });
const denied = (channel: string) => ({ type: "error", code: "channel_denied", channel });
const heard = ({ frames }: Socket): unknown[] =>
  frames.filter(({ type }) => type === "message").map(({ data }) => data);

test("without any PocketBase: guests meet, speak and part in a public channel", async () => {
  await using gateway = startGateway("http://127.0.0.1:9", { config: { Realtime: { Channels } } });
  using one = await openSocket(gateway.url);
  const two = await openSocket(gateway.url);
  using three = await openSocket(gateway.url);
  const first = await one.ask(join("lobby", { name: "one" }));
  expect(first).toEqual({
    type: "joined",
    channel: "lobby",
    memberId: expect.any(String),
    members: [{ id: first["memberId"] as string, data: { name: "one" } }],
  });
  const second = await two.ask(join("lobby"));
  expect(second["members"]).toHaveLength(2);
  expect(await one.frame(({ type }) => type === "join")).toEqual({
    type: "join",
    channel: "lobby",
    member: { id: second["memberId"] as string },
  });
  expect(await three.ask(join("lobby"))).toMatchObject({ code: "channel_full" });
  expect(await three.ask({ type: "message", channel: "lobby", data: "x" }, "error")).toMatchObject(
    denied("lobby"),
  );
  expect(await two.ask({ type: "message", channel: "lobby", data: [1, "ä"] }, "sent")).toEqual({
    type: "sent",
    channel: "lobby",
  });
  expect(await one.frame(({ type }) => type === "message")).toEqual({
    type: "message",
    channel: "lobby",
    from: second["memberId"],
    data: [1, "ä"],
  });
  two[Symbol.dispose]();
  expect(await one.frame(({ type }) => type === "leave")).toMatchObject({ member: second["memberId"] });
  expect(await one.ask({ type: "leave", channel: "lobby" })).toEqual({ type: "left", channel: "lobby" });
  expect(gateway.services.channels.size).toBe(0);
  expect([heard(two), heard(three)]).toEqual([[], []]);
});

test("who is signed in enters, is known by its record, and is gone within a second of its session", async () => {
  const token = await login(pair.url, ADA);
  using ada = await openSocket(pair.url, { token });
  using ben = await openSocket(pair.url, { token: await login(pair.url, BEN) });
  using guest = await openSocket(pair.url);
  expect(await guest.ask(join("room/1"))).toMatchObject(denied("room/1"));
  await ada.ask(join("room/1"));
  const { members } = await ben.ask(join("room/1"));
  expect(members).toMatchObject([{ user: { id: IDS.ada } }, { user: { id: IDS.ben } }]);
  expect(JSON.stringify(members)).not.toContain(ada.clientId);
  await logout(pair.url, token);
  expect(await within(ada.closed, 1_000, "the close")).toBe("4401 the session is over");
  expect(await ben.frame(({ type }) => type === "leave")).toMatchObject({ channel: "room/1" });
});

test("a channel of a record takes whom PocketBase shows the record, and isolates it from the others", async () => {
  const { id } = await asRoot(pair)("POST", "/api/collections/rt_owner/records", {
    title: "d",
    owner: IDS.ada,
  });
  const channel = `doc/${id}`;
  using ada = await openSocket(pair.url, { token: await login(pair.url, ADA) });
  using ben = await openSocket(pair.url, { token: await login(pair.url, BEN) });
  using guest = await openSocket(pair.url);
  expect(await ada.ask(join(channel))).toMatchObject({ type: "joined" });
  for (const socket of [ben, guest]) {
    expect(await socket.ask(join(channel))).toMatchObject(denied(channel));
    expect(await socket.ask({ type: "message", channel, data: "x" })).toMatchObject(denied(channel));
  }
  for (const other of ["doc/none", "doc/", "doc/../x", `${channel}?x=1`, "elsewhere", "lobby/x"])
    expect(await ada.ask(join(other))).toMatchObject(denied(other));
  await ada.ask({ type: "message", channel, data: "for nobody else" }, "sent");
  for (const socket of [ben, guest]) await socket.ask({ type: "ping" });
  expect([heard(ben), heard(guest)]).toEqual([[], []]);
});

test("somebody else is in no channel of whoever was there before", async () => {
  using socket = await openSocket(pair.url, { token: await login(pair.url, ADA) });
  using ben = await openSocket(pair.url, { token: await login(pair.url, BEN) });
  await socket.ask(join("room/2"));
  await ben.ask(join("room/2"));
  const from = socket.frames.length;
  await socket.ask({ type: "auth", token: "" }, "subscribed");
  expect(socket.frames.slice(from)).toEqual([
    { type: "left", channel: "room/2" },
    { type: "subscribed", topics: [] },
  ]);
  await ben.frame(({ type }) => type === "leave");
  await ben.ask({ type: "message", channel: "room/2", data: "alone" }, "sent");
  expect(await socket.ask({ type: "message", channel: "room/2", data: "x" })).toMatchObject(denied("room/2"));
  expect(heard(socket)).toEqual([]);
});
