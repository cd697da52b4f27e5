// What a group does for many clients at once, and how it notices that its upstream stream has fallen silent.
import { afterEach, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import { type Client, closeHubs, connect, createHub, startUpstream, user } from "../../tests/support/hubs.ts";

afterEach(closeHubs);

const CLIENTS = 2_000;

/** Many guests on one topic, each of whom takes a while to be told. */
const startCrowd = async () => {
  const upstream = startUpstream();
  const hub = createHub(upstream.open, { clientsMax: CLIENTS + 10 });
  const crowd: Client[] = [];
  for (let n = 0; n < CLIENTS; n++) {
    const client = connect(hub, "192.0.2.1", 0.01);
    await client.subscribe(["a/*"]);
    crowd.push(client);
  }
  return { upstream, hub, crowd };
};

const isTold = (crowd: readonly Client[], last: string): boolean =>
  crowd.every(({ heard }) => heard.at(-1) === last);

test("an event for thousands leaves turns to everything else, and every client hears in order", async () => {
  const { upstream, hub, crowd } = await startCrowd();
  const ada = connect(hub);
  await ada.subscribe(["b/*"], user("ada"));
  for (const data of ["1", "2", "3"]) upstream.tell("a/*", data);
  upstream.tell("b/*", "mine");
  let turns = 0;
  let heardAda = Number.POSITIVE_INFINITY;
  while (!isTold(crowd, "a/* 3")) {
    await new Promise(setImmediate);
    turns++;
    if (ada.heard.length > 0) heardAda = Math.min(heardAda, turns);
  }
  // 60 ms of work, in slices of 4.
  expect(turns).toBeGreaterThan(5);
  expect(heardAda).toBeLessThan(4);
  for (const { heard } of crowd) expect(heard).toEqual(["a/* 1", "a/* 2", "a/* 3"]);
  // What piled up behind the first left in one piece.
  expect(new Set(crowd.map(({ pieces }) => pieces))).toEqual(new Set([2]));
});

test("a piece of several events is told in parts to who has some of them already", async () => {
  const { upstream, hub, crowd } = await startCrowd();
  upstream.tell("a/*", "1");
  upstream.tell("a/*", "2");
  const late = connect(hub);
  await late.subscribe(["a/*"]);
  upstream.tell("a/*", "3");
  upstream.tell("a/*", "4");
  await eventually(() => isTold(crowd, "a/* 4") && late.heard.length > 1, 5_000);
  expect(late.heard).toEqual(["a/* 3", "a/* 4"]);
  for (const { heard } of crowd) expect(heard).toEqual(["a/* 1", "a/* 2", "a/* 3", "a/* 4"]);
});

test("who comes while an event is on its way does not hear it; who leaves has heard it; who stays hears it once", async () => {
  const { upstream, hub, crowd } = await startCrowd();
  upstream.tell("a/*", "1");
  const last = crowd.at(-1);
  const late = connect(hub);
  expect(last?.heard).toEqual([]);
  await late.subscribe(["a/*"]);
  await last?.subscribe(["b/*"]);
  expect(last?.heard).toEqual(["a/* 1"]);
  await crowd.at(-2)?.subscribe(["a/*", "b/*"]);
  await eventually(() => isTold(crowd, "a/* 1"), 5_000);
  upstream.tell("a/*", "2");
  await eventually(() => isTold(crowd.slice(0, -1), "a/* 2"), 5_000);
  expect(crowd.at(-2)?.heard).toEqual(["a/* 1", "a/* 2"]);
  expect(last?.heard).toEqual(["a/* 1"]);
  expect(late.heard).toEqual(["a/* 2"]);
});

test("what cannot be told in time is given up: everybody hears of a gap", async () => {
  const { upstream, crowd } = await startCrowd();
  const data = "x".repeat(8 * 1024 * 1024);
  for (let n = 0; n < 5; n++) upstream.tell("a/*", data);
  await eventually(() => isTold(crowd, "gap"), 5_000);
  upstream.tell("a/*", "on");
  await eventually(() => isTold(crowd, "a/* on"), 5_000);
});

test("a stream that says nothing any more is given up, and its clients hear of the gap", async () => {
  const upstream = startUpstream();
  const hub = createHub(upstream.open, {
    times: { quietMs: 5, proveEveryMs: 10, proveDeadlineMs: 20 },
  });
  const client = connect(hub);
  await client.subscribe(["a/*"], user("ada"));
  await eventually(() => upstream.state.provoked > 2, 5_000);
  expect(client.heard).toEqual([]);
  upstream.state.isSilent = true;
  await eventually(() => upstream.streams.length > 1, 5_000);
  upstream.state.isSilent = false;
  await eventually(() => client.heard.includes("gap"), 5_000);
  upstream.tell("a/*", "again");
  expect(client.heard.at(-1)).toBe("a/* again");
});

test("a PocketBase that does not let itself be asked costs no stream", async () => {
  const upstream = startUpstream();
  upstream.state.isProvable = false;
  const hub = createHub(upstream.open, {
    times: { quietMs: 5, proveEveryMs: 10, proveDeadlineMs: 20 },
  });
  const client = connect(hub);
  await client.subscribe(["a/*"]);
  await eventually(() => upstream.state.provoked > 3, 5_000);
  expect(upstream.streams.length).toBe(1);
});

test("users beyond the bound of upstream streams are turned away, and are taken when there is room", async () => {
  const upstream = startUpstream();
  const hub = createHub(upstream.open, { upstreamsMax: 2 });
  const [ada, ben, cid, guest] = [connect(hub), connect(hub), connect(hub), connect(hub)];
  expect(await ada.subscribe(["a/*"], user("ada"))).toBe("done");
  expect(await ben.subscribe(["a/*"], user("ben"))).toBe("done");
  expect(await cid.subscribe(["a/*"], user("cid"))).toBe("full");
  expect(await guest.subscribe(["@oauth2"])).toBe("full");
  expect(await ada.subscribe(["a/*", "b/*"], user("ada"))).toBe("done");
  ben.subscriber.end("stopping");
  expect(await cid.subscribe(["a/*"], user("cid"))).toBe("done");
  expect(hub.upstreams).toBe(2);
});
