// Steps of the cache's model suite in which rules and relations decide who gets what: what they ask for changes, or whoever
// asks does.
import { CALLERS, RULES_BEHIND_MS, type Scene, type Step } from "./cacheScene.ts";
import { COUNTER, IDS, pathsOf, RULES } from "./cacheWorld.ts";

const DUE_MS = 1_000;

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
export const redraw = async (scene: Scene): Promise<void> => {
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

/** A record changes that others lead to, and even the read one does, by a way round. */
const relation: Step = async (scene) => {
  const { draw, through } = scene;
  const [doc, team, [one, other]] = [draw.pick(IDS.docs), draw.pick(IDS.teams), draw.shuffled(IDS.people)];
  for (const name of ["docs", "teams", "people"])
    await scene.setRules(through, name, { listRule: "", viewRule: "" });
  await scene.create(through, "docs", doc);
  await scene.create(through, "teams", team);
  for (const [path, body] of [
    [`teams/records/${team}`, { members: [one, other] }],
    [`people/records/${one}`, { team }],
    [`docs/records/${doc}`, { owner: other, team }],
  ] as const)
    await scene.send(through, `PATCH collections/${path}`, { body });
  const paths = [
    `people/records/${one}?expand=team.members`,
    `docs/records/${doc}?expand=team,owner,notes_via_doc`,
    "docs/records?sort=id&expand=owner,team.members",
    "docs/records?sort=owner.name,id",
  ];
  const probes = await scene.warmed(
    paths.map((path) => ({ path, caller: draw.pick(CALLERS), isKeyed: false })),
  );
  const side = scene.drawSide();
  const body = { name: `p${draw.below(1_000)}` };
  await scene.send(side, `PATCH collections/people/records/${other}`, { body });
  await scene.compare(probes, scene.boundOf(side));
  for (const name of ["teams", "people"])
    await scene.setRules(through, name, { listRule: draw.pick(RULES[name] ?? []) });
  await redraw(scene);
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
  // Again and again, so that something is read after the feed has told of the change, and would be kept.
  let isThere = false;
  do {
    const before = await Promise.all(probes.map((probe) => scene.readThrough(probe)));
    isThere ||= before.some(({ text }) => text.includes(doc));
    await Bun.sleep(50);
  } while (performance.now() < dueMs - 300);
  if (isThere) scene.count("records whose time passed");
  await Bun.sleep(Math.max(0, dueMs - performance.now()) + 100);
  await scene.compare(probes, 0);
  await redraw(scene);
};
/** By their names. */
export const RULE_STEPS = { rule, open, role, header, parameter, relation, clock } satisfies Readonly<
  Record<string, Step>
>;
