// What happens in the cache's model suite, one kind of step each: somebody has read, something changes, and then everybody
// must get what PocketBase gives them. Each kind is counted by its name.
import { countUp } from "./cacheCounter.ts";
import { RULE_STEPS, redraw } from "./cacheRules.ts";
import { BEHIND_MS, CALLERS, type Scene, type Step, type Write } from "./cacheScene.ts";
import { COUNTER, drawField, IDS, pathsOf } from "./cacheWorld.ts";

/** A feed that says nothing: until Hapta must have noticed. */
const SILENT_MS = 2_300;
/** PocketBase was away: until reads must be whole again. */
const BACK_MS = 10_000;
/** Changes in a row. */
const SERIES = 6;

const through: Step = async (scene) => {
  const writes = drawSome(scene);
  const probes = await scene.warm(pathsOf(writes));
  const send = ({ line, body }: Write): Promise<number> => {
    const caller = scene.draw.chance(0.5) ? "superuser" : scene.draw.pick(CALLERS);
    return scene.send(scene.through, line, { body, caller });
  };
  await Promise.all(writes.map(send));
  await scene.compare(probes, 0);
};

/** One write, or several of different records that go at once: what one of them is told to have changed, others may not count for. */
const drawSome = (scene: Scene): readonly Write[] => {
  const first = scene.drawWrite();
  if (first.line.startsWith("DELETE") || scene.draw.chance(0.7)) return [first];
  const others = Array.from({ length: 3 }, () => scene.drawWrite()).filter(
    ({ line, id }) => !line.startsWith("DELETE") && id !== first.id,
  );
  return [first, ...new Map(others.map((one) => [one.id, one])).values()];
};

const batch: Step = async (scene) => {
  const writes = Array.from({ length: 1 + scene.draw.below(3) }, () => scene.drawWrite());
  const probes = await scene.warm(pathsOf(writes));
  const requests = writes.map(({ line, body }) => {
    const [method = "", path = ""] = line.split(" ");
    return { method, url: `/api/${path}`, ...(body === undefined ? {} : { body }) };
  });
  const caller = scene.draw.pick(["superuser", ...CALLERS]);
  const status = await scene.send(scene.through, "POST batch", { body: { requests }, caller });
  if (status === 200) scene.count("batches that changed something");
  await scene.compare(probes, 0);
};

// Two at once may load the same record before either saves it.
const behind: Step = async (scene) => {
  const writes = Array.from({ length: scene.draw.chance(0.3) ? 2 : 1 }, () => scene.drawWrite());
  const probes = await scene.warm(pathsOf(writes));
  await Promise.all(writes.map(({ line, body }) => scene.send(scene.direct, line, { body })));
  await scene.compare(probes, BEHIND_MS);
};

/** Deleted, and made anew with the same id: who held the old login is a guest. */
const person: Step = async (scene) => {
  const id = scene.draw.pick(IDS.people);
  const drawn = await scene.warm();
  const probes = await scene.warmed(
    drawn.map((probe, i) => ({ ...probe, caller: i < drawn.length / 2 ? id : "guest" })),
  );
  const side = scene.drawSide();
  const boundMs = scene.boundOf(side);
  await scene.send(side, `DELETE collections/people/records/${id}`);
  await scene.compare(probes, boundMs);
  await scene.create(side, "people", id);
  await scene.compare(probes, boundMs);
  await scene.login(id);
  await scene.compare(probes, boundMs);
};

/** A note goes with its doc; nobody asked for that. */
const cascade: Step = async (scene) => {
  const [doc, note] = [scene.draw.pick(IDS.docs), scene.draw.pick(IDS.notes)];
  await scene.create(scene.direct, "docs", doc);
  await scene.create(scene.direct, "notes", note);
  await scene.send(scene.direct, `PATCH collections/notes/records/${note}`, { body: { doc } });
  const probes = await scene.warm([...pathsOf([{ table: "notes", id: note }]), "stats/records?sort=id"]);
  const side = scene.drawSide();
  await scene.send(side, `DELETE collections/docs/records/${doc}`);
  await scene.compare(probes, scene.boundOf(side));
  const left = await scene.direct.send(`GET collections/notes/records/${note}`, undefined, "superuser");
  if (left.status === 404) scene.count("records deleted along");
};

/** Records that stay, of which one field changes after the other: what each of them was is known then. */
const series: Step = async (scene) => {
  for (const id of IDS.docs) await scene.create(scene.direct, "docs", id);
  for (let i = 0; i < SERIES; i++) {
    const id = scene.draw.pick(IDS.docs);
    const probes = await scene.warm(pathsOf([{ table: "docs", id }]));
    const side = scene.drawSide();
    await scene.send(side, `PATCH collections/docs/records/${id}`, { body: drawField(scene.draw, "docs") });
    await scene.compare(probes, scene.boundOf(side));
  }
};

/** What the dashboard does besides writing records. */
const DASHBOARD: Readonly<Record<string, Step>> = {
  truncation: async (scene) => {
    await scene.send(scene.through, "DELETE collections/notes/truncate");
    for (const id of IDS.notes) await scene.create(scene.through, "notes", id);
  },
  import: async (scene) => {
    const { text } = await scene.direct.send("GET collections/docs", undefined, "superuser");
    const docs: unknown = { ...JSON.parse(text), viewRule: scene.draw.pick(["", "open = true"]) };
    await scene.send(scene.through, "PUT collections/import", {
      body: { collections: [docs], deleteMissing: false },
    });
  },
  field: async (scene) => {
    const { text } = await scene.direct.send("GET collections/notes", undefined, "superuser");
    const fields = (JSON.parse(text) as { fields: { name: string }[] }).fields.filter(
      ({ name }) => name !== "extra",
    );
    const extra = scene.draw.chance(0.5) ? [{ name: "extra", type: "text" }] : [];
    await scene.send(scene.through, "PATCH collections/notes", { body: { fields: [...fields, ...extra] } });
  },
  sql: async (scene) => {
    const query = `UPDATE docs SET title = '${scene.draw.pick(["t1", "t2"])}', open = NOT open WHERE id != '${COUNTER}'`;
    await scene.send(scene.through, "POST sql", { body: { query } });
  },
};

const dashboard: Step = async (scene) => {
  for (const [what, change] of Object.entries(DASHBOARD)) {
    const probes = await scene.warm(["docs/records?sort=id", "notes/records?sort=id"]);
    await change(scene);
    scene.count(`dashboard: ${what}`);
    await scene.compare(probes, 0);
  }
};

const counter: Step = async (scene) => {
  await countUp(scene);
  await redraw(scene);
};

/** Closed at once, and open again with what was missed. */
const cut: Step = async (scene) => {
  const write = scene.drawWrite();
  const probes = await scene.warm(pathsOf([write]));
  scene.relay.cutFeed();
  await Bun.sleep(100);
  await scene.send(scene.direct, write.line, { body: write.body });
  await scene.compare(probes, 400);
  scene.relay.heal();
  await scene.opened();
  await scene.compare(probes, 0);
};

const hole =
  (swallow: (scene: Scene) => void): Step =>
  async (scene) => {
    const write = scene.drawWrite();
    const probes = await scene.warm(pathsOf([write]));
    swallow(scene);
    await scene.send(scene.direct, write.line, { body: write.body });
    await scene.compare(probes, SILENT_MS);
    scene.relay.heal();
    await scene.opened();
    await scene.compare(probes, 0);
  };

const restart: Step = async (scene) => {
  const write = scene.drawWrite();
  const probes = await scene.warm(pathsOf([write]));
  await scene.restart();
  await scene.send(scene.direct, write.line, { body: write.body });
  await scene.compare(probes, BACK_MS);
  await scene.opened();
  await scene.compare(probes, 0);
};

/** By their names. */
export const STEPS = {
  ...RULE_STEPS,
  through,
  batch,
  behind,
  person,
  cascade,
  series,
  dashboard,
  counter,
  cut,
  silence: hole((scene) => scene.relay.silenceFeed()),
  swallow: hole((scene) => scene.relay.swallow()),
  restart,
} satisfies Readonly<Record<string, Step>>;

/** A kind of step. */
export type StepName = keyof typeof STEPS;

const times = (count: number, name: StepName): readonly StepName[] =>
  Array.from({ length: count }, () => name);

/** But for its beginning nothing but writes of records: a change of the schema makes Hapta forget what it knows of them. */
const RECORDS: readonly StepName[] = [
  ...times(8, "through"),
  ...times(3, "behind"),
  ...(["batch", "cascade", "series", "series"] as const),
];
/** What happens while PocketBase and its feed are well: every kind at least once, in an order that is drawn. */
const CALM: readonly StepName[] = [
  ...times(9, "through"),
  ...times(2, "batch"),
  ...times(4, "behind"),
  ...times(2, "rule"),
  ...times(2, "role"),
  ...(["header", "parameter", "relation", "person", "cascade", "dashboard", "clock", "counter"] as const),
];
/** The same with all that can happen to the feed: what it has told before counts for little after that. */
const ROUGH: readonly StepName[] = [...CALM, "cut", "silence", "swallow", "restart"];

/** How many rounds of steps a run has, of each kind; they come in this order. */
export interface Rounds {
  readonly calm: number;
  readonly records: number;
  readonly rough: number;
}

/** The steps of a run. */
export const planSteps = ({ draw }: Scene, { calm, records, rough }: Rounds): readonly StepName[] => {
  const rounds = (count: number, round: readonly StepName[], first: readonly StepName[] = []) =>
    Array.from({ length: count }, () => [...first, ...draw.shuffled(round)]).flat();
  return [...rounds(calm, CALM), ...rounds(records, RECORDS, ["open"]), ...rounds(rough, ROUGH)];
};
