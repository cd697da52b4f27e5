// Rules that read the caller's record, before a feed that the test plays: a role counts from its change on, and around the
// change nobody hears anything that is not certain.
import { afterEach, expect, test } from "bun:test";
import { eventually } from "../../tests/support/eventually.ts";
import { publicRule, start, toldOf, writerRule } from "../../tests/support/feeds.ts";
import { closeHubs } from "../../tests/support/hubs.ts";

afterEach(closeHubs);

const WRITER_AND_READER = { ada: "writer", ben: "reader" };
/** Longer than a change of a role leaves anything uncertain. */
const LATER_MS = 1_000;

const startRoles = () => start(writerRule(), WRITER_AND_READER);

/** Lets a change of a role be read, and its uncertain time pass. */
const pass = async ({ state, settled, ada }: Awaited<ReturnType<typeof start>>): Promise<void> => {
  await settled(ada, "ada");
  state.nowMs += LATER_MS;
};

test("who has the role is told, and nobody else hears anything", async () => {
  const world = await startRoles();
  world.tell("x");
  await world.settled(world.ada, "ada");
  expect([toldOf(world.ada)[0], world.ben.heard]).toEqual(['"owner":"x"', []]);
});

test("a role won counts for what comes after it, without a gap", async () => {
  const world = await startRoles();
  const { ada, ben, state, tell, tellRole } = world;
  state.nowMs += LATER_MS;
  tellRole("ben", "writer");
  await pass(world);
  ben.heard.length = 0;
  tell("x");
  await eventually(() => ben.heard.length === 1, 5_000);
  expect([toldOf(ada).at(-1), toldOf(ben)]).toEqual(['"owner":"x"', ['"owner":"x"']]);
});

test("a role lost counts for what comes after it, without a gap", async () => {
  const world = await start(writerRule(), { ada: "writer", ben: "writer" });
  const { ada, ben, state, tell, tellRole } = world;
  state.nowMs += LATER_MS;
  tellRole("ben", "reader");
  await pass(world);
  ben.heard.length = 0;
  tell("x");
  await world.settled(ada, "ada");
  expect(ben.heard).toEqual([]);
});

test("what comes beside the change of a role is a gap for the one whose role it is", async () => {
  const world = await startRoles();
  const { ada, ben, tell, tellRole } = world;
  tellRole("ben", "writer");
  tell("x");
  await eventually(() => ada.heard.length === 1 && ben.heard.length >= 1, 5_000);
  expect([toldOf(ada), new Set(ben.heard)]).toEqual([['"owner":"x"'], new Set(["gap"])]);
});

test("what was decided just before a change is told of is a gap: PocketBase may have judged it after the change", async () => {
  const world = await startRoles();
  const { ada, ben, tell, tellRole } = world;
  tell("x");
  await world.settled(ada, "ada");
  expect(ben.heard).toEqual([]);
  tellRole("ben", "writer");
  await eventually(() => ben.heard.length > 0, 5_000);
  expect(new Set(ben.heard)).toEqual(new Set(["gap"]));
});

test("what was decided long before a change stays as it was", async () => {
  const world = await startRoles();
  const { ben, tell, tellRole } = world;
  tell("x");
  await pass(world);
  tellRole("ben", "writer");
  // What comes beside the change is uncertain.
  await pass(world);
  const gaps = ben.heard.length;
  tell("y");
  await eventually(() => toldOf(ben).includes('"owner":"y"'), 5_000);
  expect([gaps <= 1, ben.heard.length]).toEqual([true, gaps + 1]);
});

test("who would be told is read once more: a role lost counts even if nobody has told of it yet", async () => {
  const { ada, ben, state, tell } = await startRoles();
  state.current = new Map([["ada", { id: "ada", role: "reader" }]]);
  tell("x");
  await eventually(() => ada.heard.length === 1, 5_000);
  expect([ada.heard, ben.heard]).toEqual([["gap"], []]);
});

test("changes that are told in the wrong order end as what PocketBase says", async () => {
  const world = await startRoles();
  const { ada, ben, state, tell, tellRole } = world;
  state.nowMs += LATER_MS;
  tellRole("ben", "writer");
  tellRole("ben", "reader", "writer");
  await pass(world);
  ben.heard.length = 0;
  tell("x");
  await eventually(() => ada.heard.length > 1 && ben.heard.length === 1, 5_000);
  expect(toldOf(ben)).toEqual(['"owner":"x"']);
});

test("when PocketBase does not say what the caller is, nothing is told", async () => {
  const { ada, state, tell } = await startRoles();
  state.current = undefined;
  tell("x");
  await eventually(() => ada.heard.length === 1, 5_000);
  expect(ada.heard).toEqual(["gap"]);
});

test("after a gap of the feed the role is read anew", async () => {
  const world = await startRoles();
  const { ada, ben, state, listeners, tell } = world;
  state.current = new Map(state.current).set("ben", { id: "ben", role: "writer" });
  listeners.gap();
  await eventually(() => ada.heard.includes("gap") && ben.heard.includes("gap"), 5_000);
  tell("x");
  await eventually(() => toldOf(ben).includes('"owner":"x"'), 5_000);
});

test("a change of an account is told to itself only when its login still counts", async () => {
  const { ada, ben, state, tell } = await start({ ...publicRule(), collectionId: "c1" });
  state.isAlive = false;
  tell("x", "ada", "c1");
  await eventually(() => ben.heard.length === 1, 5_000);
  expect([ada.heard, toldOf(ben)]).toEqual([[], ['"owner":"x"']]);
  state.isAlive = true;
  await eventually(() => ada.heard.length === 1, 10_000);
  expect(ada.heard).toEqual(["gap"]);
  tell("y", "ada", "c1");
  await eventually(() => ada.heard.length === 2, 5_000);
  expect(toldOf(ada)[1]).toBe('"owner":"y"');
});

test("when nothing may be decided any more, topics move to streams of the callers' own", async () => {
  const { ada, ben, state, tell, upstream, join } = await startRoles();
  state.mayDecide = false;
  tell("x");
  await eventually(() => ada.heard.length === 1 && ben.heard.length === 1, 5_000);
  expect([...ada.heard, ...ben.heard]).toEqual(["gap", "gap"]);
  expect(upstream.streams.length).toBe(2);
  await join("cyd");
  expect(upstream.streams.length).toBe(3);
});

test("a change of an account that is too long to be told may be of anybody's: all hear of a gap, and by the roles of now", async () => {
  const world = await start(writerRule(), { ada: "writer", ben: "writer" });
  const { ada, ben, state, tell, listeners } = world;
  state.current = new Map(state.current).set("ben", { id: "ben", role: "reader" });
  tell("x");
  listeners.untold("c1");
  tell("y");
  for (const { heard } of [ada, ben]) await eventually(() => heard.includes("gap"), 5_000);
  await world.settled(ada, "ada");
  expect(new Set(ben.heard)).toEqual(new Set(["gap"]));
});

test("one of another collection that is too long to be told is nobody's role, and a gap for those alone who listen to it", async () => {
  const world = await startRoles();
  const { ada, state, listeners } = world;
  const asked = state.asked;
  listeners.untold("c_other");
  await world.settled(ada, "ada");
  listeners.untold("c_posts");
  await world.settled(ada, "ada");
  expect([ada.heard.filter((line) => line === "gap").length, state.asked]).toEqual([1, asked]);
});
