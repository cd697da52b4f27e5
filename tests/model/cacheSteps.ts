// What happens in the cache's model suite, one kind of step each: somebody has read, something changes, and then everybody
// must get what PocketBase gives them. Each kind is counted by its name.
import { countUp } from "./cacheCounter.ts";
import { BEHIND_MS, CALLERS, RULES_BEHIND_MS, type Scene, type Write } from "./cacheScene.ts";
import { COUNTER, drawField, IDS, RULES } from "./cacheWorld.ts";

/** One kind of step. @throws Error that has both answers, when they differ. */
type Step = (scene: Scene) => Promise<void>;

/** A feed that says nothing: until Hapta must have noticed. */
const SILENT_MS = 2_300;
/** PocketBase was away: until reads must be whole again. */
const BACK_MS = 10_000;
const DUE_MS = 1_000;
/** Changes in a row. */
const SERIES = 6;

const pathsOf = (writes: readonly { readonly table: string; readonly id: string }[]): readonly string[] =>
  writes.flatMap(({ table, id }) => [`${table}/records/${id}`, `${table}/records?sort=id`]);

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

const rule: Step = async (scene) => {
  const name = scene.draw.pick(Object.keys(RULES));
  const probes = await scene.warm([`${name}/records?sort=id`]);
  const kind = scene.draw.pick(["listRule", "viewRule"]);
  const side = scene.drawSide(0.75);
  await scene.setRules(side, name, { [kind]: scene.draw.pick(RULES[name] ?? [""]) });
  await scene.compare(probes, side === scene.through ? 0 : RULES_BEHIND_MS);
  await readSchema(scene, name);
};

// By the older rule the answers may have been the same, by chance; a write of the schema has Hapta read it.
const readSchema = async (scene: Scene, name: string): Promise<void> => {
  await scene.through.send(`PATCH collections/${name}`, {}, "superuser");
};

/** What follows shall not always meet the rules of the step before. */
const redraw = async (scene: Scene): Promise<void> => {
  const rules = RULES["docs"] ?? [];
  const [listRule, viewRule] = [scene.draw.pick(rules), scene.draw.pick(rules)];
  await scene.setRules(scene.through, "docs", { listRule, viewRule });
};

/** A rule asks what the caller is, and the caller becomes something else. */
const role: Step = async (scene) => {
  const { draw } = scene;
  const [listRule, change] = draw.pick([
    ['@request.auth.role = "admin"', { role: draw.pick(["admin", "member"]) }],
    ['@request.auth.team.name = "alpha"', { team: draw.pick(["", ...IDS.teams]) }],
  ] as const);
  await scene.setRules(scene.through, "docs", { listRule, viewRule: listRule });
  const id = draw.pick(IDS.people);
  const paths = ["docs/records?sort=id", `docs/records/${COUNTER}`];
  const own = paths.map((path) => ({ path, caller: id, isKeyed: false }));
  const probes = [...(await scene.warmed(own)), ...(await scene.warm())];
  const side = scene.drawSide();
  await scene.send(side, `PATCH collections/people/records/${id}`, { body: change });
  await scene.compare(probes, scene.boundOf(side));
  await redraw(scene);
};

/** A rule asks for a header, which some send: nothing may be shared with those who do not. */
const header: Step = async (scene) => {
  const rule = '@request.headers.x_key = "k" || open = true';
  await scene.setRules(scene.through, "docs", { listRule: rule, viewRule: rule });
  const paths = pathsOf([{ table: "docs", id: scene.draw.pick(IDS.docs) }]);
  const caller = scene.draw.pick(CALLERS);
  for (const isKeyed of [true, false, true])
    await scene.warmed(paths.map((path) => ({ path, caller, isKeyed })));
  await redraw(scene);
};

/** A rule asks for a parameter that means nothing else: the same read with another value of it is another read. */
const parameter: Step = async (scene) => {
  const rule = "@request.query.share = title || open = true";
  await scene.setRules(scene.through, "docs", { listRule: rule, viewRule: rule });
  const id = scene.draw.pick(IDS.docs);
  await scene.create(scene.through, "docs", id);
  const body = { title: "t1", open: false };
  await scene.send(scene.through, `PATCH collections/docs/records/${id}`, { body });
  const caller = scene.draw.pick(CALLERS);
  for (const share of scene.draw.shuffled(["", "share=t1", "share=t2"])) {
    const paths = [`docs/records?sort=id&${share}`, `docs/records/${id}?${share}`];
    await scene.warmed(paths.map((path) => ({ path, caller, isKeyed: false })));
  }
  await redraw(scene);
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

/** Rules by which a list has the value of a field, or seems to. */
const VALUE_RULES = [
  "",
  "open = true",
  "owner = @request.auth.id",
  "title = 't1' || open = true",
  "kind = 'a' && (open = true || n > 3)",
];

/** Everybody may read so much that a change of a value shows. */
const open: Step = async (scene) => {
  const probes = await scene.warm();
  await scene.setRules(scene.through, "docs", { listRule: scene.draw.pick(VALUE_RULES), viewRule: "" });
  await scene.setRules(scene.through, "notes", { listRule: "", viewRule: "" });
  await scene.compare(probes, 0);
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

/** A rule asks for the time, and it passes: nothing tells of that. */
const clock: Step = async (scene) => {
  const doc = scene.draw.pick(IDS.docs);
  await scene.create(scene.direct, "docs", doc);
  await scene.setRules(scene.through, "docs", { viewRule: "due > @now" });
  const probes = ["docs/records?sort=id&filter=(due>@now)", `docs/records/${doc}`].map((path) => ({
    path,
    caller: scene.draw.pick(CALLERS),
    isKeyed: false,
  }));
  const dueMs = performance.now() + DUE_MS;
  const body = { due: new Date(Date.now() + DUE_MS).toISOString() };
  await scene.send(scene.direct, `PATCH collections/docs/records/${doc}`, { body });
  const before = await Promise.all(probes.map((probe) => scene.readThrough(probe)));
  if (before.some(({ text }) => text.includes(doc))) scene.count("records whose time passed");
  await Bun.sleep(Math.max(0, dueMs - performance.now()) + 100);
  await scene.compare(probes, 0);
  await redraw(scene);
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
  through,
  batch,
  behind,
  rule,
  open,
  role,
  header,
  parameter,
  person,
  cascade,
  series,
  dashboard,
  clock,
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
  ...(["header", "parameter", "person", "cascade", "dashboard", "clock", "counter"] as const),
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
