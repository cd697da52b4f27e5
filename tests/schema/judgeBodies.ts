// Sends generated bodies to PocketBase and compares its answers with what `validateBody` says of them.
import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { type Collection, toCollection } from "../../src/pocketbase/collection.ts";
import type { Wording } from "../../src/schema/fieldError.ts";
import { type FormPart, toFormBody } from "../../src/schema/formBody.ts";
import { FAILED, validateBody } from "../../src/schema/validateBody.ts";
import type { PocketBase } from "../support/pocketbase.ts";
import { type DrawnBody, drawnBody, REQUIRED_BODY } from "./bodies.ts";
import { JUDGED } from "./everything.ts";

/** What came out. */
export interface BodyTally {
  readonly asked: number;
  /** Answered 400 by PocketBase. */
  readonly refused: number;
  /** Of those, refused by Hapta, with the same whole body. */
  readonly stopped: number;
  /** The same two counts of each kind: `create json`, `create form`, `update json` and `update form`. */
  readonly kinds: Readonly<Record<string, { refused: number; stopped: number }>>;
  /** Accepted by PocketBase, refused by Hapta: must be none. */
  readonly falseRefusals: readonly string[];
  /** Refused by both with different bodies: must be none. */
  readonly different: readonly string[];
  /** Refused by PocketBase for reasons that Hapta could know, accepted by Hapta. */
  readonly missed: readonly string[];
}

interface Question extends DrawnBody {
  readonly isSuperuser: boolean;
  readonly action: "create" | "update";
  /** How the body travels; a form's values are texts. */
  readonly format: "json" | "form";
}

type Counting = {
  -readonly [Key in keyof BodyTally]: BodyTally[Key] extends readonly string[] ? string[] : BodyTally[Key];
};

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const IN_FLIGHT = 16;
const KINDS = ["create json", "create form", "update json", "update form"];

/** Adds the judged collections to a PocketBase. */
export const importJudged = async (pb: PocketBase): Promise<readonly Collection[]> => {
  const headers = { Authorization: pb.world.tokens.superuser, "Content-Type": "application/json" };
  const body = JSON.stringify({ collections: JUDGED, deleteMissing: false });
  const imported = await fetch(`${pb.url}/api/collections/import`, { method: "PUT", headers, body });
  if (imported.status !== 204) throw new Error(`import: ${await imported.text()}`);
  const listed = await fetch(`${pb.url}/api/collections?perPage=1000`, { headers });
  const { items } = (await listed.json()) as { items: unknown[] };
  return items.map(toCollection);
};

/** How many bodies to draw, from which seed, of which kind; odd ones when absent. */
export interface Drawing {
  readonly runs: number;
  readonly seed: number;
  readonly bodies?: fc.Arbitrary<DrawnBody>;
  /** 0.39's when absent. */
  readonly wording?: Wording;
}

/** Draws bodies and compares. */
export const judgeBodies = async (pb: PocketBase, drawing: Drawing): Promise<BodyTally> => {
  const { runs, seed, bodies = drawnBody, wording = "0.39" } = drawing;
  const collections = await importJudged(pb);
  const targets = await createTargets(pb);
  const questions = fc
    .sample(questionOf(bodies), { numRuns: runs, seed })
    .map((one) => namingFile(one, targets["file"] ?? ""));
  const tally: Counting = {
    asked: runs,
    refused: 0,
    stopped: 0,
    kinds: Object.fromEntries(KINDS.map((kind) => [kind, { refused: 0, stopped: 0 }])),
    falseRefusals: [],
    different: [],
    missed: [],
  };
  const queue = questions.values();
  // Changes of the same record one after the other: one that takes its file away breaks another under way.
  let changed: Promise<unknown> = Promise.resolve();
  const askInTurn = (question: Question): Promise<Answer> => {
    if (question.action === "create") return ask(pb, question, targets);
    const answer = changed.then(() => ask(pb, question, targets));
    changed = answer;
    return answer;
  };
  const worker = async (): Promise<void> => {
    for (const question of queue)
      count(tally, question, {
        own: judged(collections, question, wording),
        answer: await askInTurn(question),
      });
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker));
  return tally;
};

/** The whole answer as Hapta would give it; undefined when it lets pass. */
const judged = (
  collections: readonly Collection[],
  { collection, body, isSuperuser, action, format }: Question,
  wording: Wording,
): unknown => {
  const found = collections.find(({ name }) => name === collection);
  if (found === undefined) throw new Error(`no collection ${collection}`);
  const members = format === "json" ? body : toFormBody(partsOf(body));
  const data =
    members === undefined ? undefined : validateBody(found, members, { action, isSuperuser, wording });
  return data === undefined ? undefined : { data, message: FAILED[action], status: 400 };
};

const ask = async (
  pb: PocketBase,
  { collection, body, isSuperuser, action, format }: Question,
  targets: Readonly<Record<string, string>>,
): Promise<Answer> => {
  const headers: Record<string, string> = isSuperuser ? { Authorization: pb.world.tokens.superuser } : {};
  if (format === "json") headers["Content-Type"] = "application/json";
  const path = action === "create" ? "" : `/${targets[collection]}`;
  const response = await fetch(`${pb.url}/api/collections/${collection}/records${path}`, {
    method: action === "create" ? "POST" : "PATCH",
    headers,
    body: format === "json" ? JSON.stringify(body) : toFormData(partsOf(body)),
  });
  return { status: response.status, body: await response.json() };
};

// Lists become repeated fields, objects a payload, as in the SDK.
const partsOf = (body: Readonly<Record<string, unknown>>): FormPart[] =>
  Object.entries(body).flatMap(([name, value]) => {
    if (Array.isArray(value)) return value.map((one) => ({ name, value: textOf(one) }));
    if (typeof value !== "object" || value === null) return [{ name, value: textOf(value) }];
    return [{ name: "@jsonPayload", value: JSON.stringify({ [name]: value }) }];
  });

const textOf = (value: unknown): string =>
  typeof value === "string" ? value.replaceAll("\n", " ") : `${value}`;

const toFormData = (parts: readonly FormPart[]): FormData => {
  const form = new FormData();
  for (const { name, value } of parts) if (typeof value === "string") form.append(name, value);
  return form;
};

const withFile = (body: Readonly<Record<string, unknown>>): FormData => {
  const form = new FormData();
  form.set("@jsonPayload", JSON.stringify(body));
  form.set("fileMany", new Blob(["x"]), "kept.txt");
  return form;
};

/** Makes a valid record in each collection that updates are sent to. @returns Ids by collection. */
const createTargets = async (pb: PocketBase): Promise<Readonly<Record<string, string>>> => {
  const bodies = {
    everything: {},
    required: { ...REQUIRED_BODY, relation: "memberada000001" },
    people: {
      nick: "x",
      email: `target${Date.now()}@example.com`,
      password: "12345678",
      passwordConfirm: "12345678",
    },
  };
  const ids: Record<string, string> = {};
  for (const [collection, body] of Object.entries(bodies)) {
    const response = await fetch(`${pb.url}/api/collections/${collection}/records`, {
      method: "POST",
      body: withFile(body),
    });
    const record = (await response.json()) as { id?: string; fileMany?: string[] };
    if (record.id === undefined) throw new Error(`no target: ${JSON.stringify(record)}`);
    ids[collection] = record.id;
    ids["file"] ??= record.fileMany?.[0] ?? "";
  }
  return ids;
};

// `a.png` stands for the file that the record of an update has.
const namingFile = (one: Question, file: string): Question =>
  one.action === "create"
    ? one
    : { ...one, body: JSON.parse(JSON.stringify(one.body).replaceAll("a.png", file)) as Question["body"] };

const questionOf = (bodies: fc.Arbitrary<DrawnBody>): fc.Arbitrary<Question> =>
  fc.tuple(bodies, fc.boolean(), fc.nat(3), fc.nat(3)).map(([drawn, isSuperuser, action, format]) => ({
    ...drawn,
    isSuperuser,
    action: action === 0 ? "update" : "create",
    format: format === 0 ? "form" : "json",
  }));

/** Errors that depend on what is stored. */
const STORED = new Set(["validation_not_unique", "validation_missing_rel_records", "validation_pk_invalid"]);

const count = (
  tally: Counting,
  question: Question,
  { own, answer }: { readonly own: unknown; readonly answer: Answer },
): void => {
  const { isSuperuser, action, format, collection, body } = question;
  const text = `${isSuperuser ? "superuser" : "guest"} ${action} ${format} ${collection} ${JSON.stringify(body)}`;
  if (answer.status !== 400) {
    // It breaks over URLs that Go can't parse, where a field has lists of domains.
    if (answer.status !== 200 && answer.status !== 500) throw new Error(`status ${answer.status}: ${text}`);
    if (own !== undefined) tally.falseRefusals.push(`${text}: ${JSON.stringify(own)}`);
    return;
  }
  const data = Object.values((answer.body as { data: Record<string, { code: string }> }).data);
  if (data.some(({ code }) => STORED.has(code))) {
    if (own !== undefined) tally.different.push(`${text}: ${JSON.stringify(answer.body)}`);
    return;
  }
  const ofKind = tally.kinds[`${action} ${format}`] ?? tally;
  for (const counts of [tally, ofKind]) {
    counts.refused++;
    if (own !== undefined && isDeepStrictEqual(own, answer.body)) counts.stopped++;
  }
  if (own === undefined) tally.missed.push(`${text}: ${JSON.stringify(answer.body)}`);
  else if (!isDeepStrictEqual(own, answer.body))
    tally.different.push(`${text}: ${JSON.stringify(own)} but ${JSON.stringify(answer.body)}`);
};

/** The share of creations that are stopped, of both formats, from 0 to 1. */
export const shareOfCreations = ({ kinds }: BodyTally): number => {
  const creations = KINDS.slice(0, 2).flatMap((kind) => kinds[kind] ?? []);
  const sum = (name: "refused" | "stopped"): number => creations.reduce((total, one) => total + one[name], 0);
  return sum("stopped") / sum("refused");
};

/** One line with the counts. */
export const renderBodyTally = ({ asked, refused, stopped, kinds }: BodyTally): string => {
  const share = (counts: { readonly refused: number; readonly stopped: number }): string =>
    `${((100 * counts.stopped) / counts.refused).toFixed(1)} % of ${counts.refused}`;
  const each = Object.entries(kinds).map(([kind, counts]) => `${kind} ${share(counts)}`);
  return `${asked} bodies, PocketBase refuses ${refused} by the schema; Hapta could stop ${share({ refused, stopped })}: ${each.join(", ")}`;
};
