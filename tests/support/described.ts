// Holds answers against `/openapi.json`: what is answered to an operation that is described must be what it says. Asks
// for the description as whoever sent the request.
import { z } from "zod";
import type { JsonSchema } from "../../src/openapi/jsonSchema.ts";
import type { Response as Described, Operation, PathItem } from "../../src/openapi/operation.ts";
import { exchange, type WireRequest } from "./wire.ts";
import { headOf, type WireResponse } from "./wireReader.ts";

/** The members of a description that are looked at. */
interface Description {
  readonly paths: Readonly<Record<string, PathItem>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>;
    readonly responses: Readonly<Record<string, Described>>;
  };
}

interface Found {
  readonly etag: string;
  readonly description: Description;
}

const authorizationOf = ({ headers = [] }: WireRequest): readonly (readonly [string, string])[] =>
  headers.filter(([name]) => name.toLowerCase() === "authorization");

/** Refusals of what is wrong with HTTP itself, or with the machine: an operation says of them what it says of any other. */
const EVERYWHERE = new Set([405, 408, 414, 415, 421, 431, 500, 502, 504]);

/** Checks answers of one Hapta; `counts` says how many by operation and status. */
export class DescribedAnswers {
  readonly counts = new Map<string, number>();
  readonly #url: string;
  /** By caller. */
  readonly #found = new Map<string, Promise<Found | undefined>>();
  readonly #schemas = new Map<string, z.ZodType>();

  constructor(url: string) {
    this.#url = url;
  }

  /** @returns What is wrong with an answer; undefined when it is as described, or not described at all. */
  async problemOf(request: WireRequest, response: WireResponse): Promise<string | undefined> {
    const kept = this.#problemIn(await this.#descriptionFor(request), request, response);
    // The schema may have changed since.
    return kept === undefined ? undefined : this.#problemIn(await this.#ask(request), request, response);
  }

  #problemIn(found: Found | undefined, request: WireRequest, response: WireResponse): string | undefined {
    const operation = found === undefined ? undefined : operationOf(found.description, request);
    if (found === undefined || operation === undefined) return undefined;
    const place = `${operation.operationId} ${response.status}`;
    const rest = EVERYWHERE.has(response.status) ? operation.responses["default"] : undefined;
    const described = operation.responses[String(response.status)] ?? rest;
    if (described === undefined) return `${place} is not described`;
    const code = headOf(response, "x-hapta-error");
    if (code !== undefined && !codesIn(found.description, described).includes(code))
      return `${place} is not described with ${code}`;
    const schema = bodySchema(found.description, described);
    // What `fields` picks is anybody's choice.
    if (schema === undefined || /[?&]fields=/.test(request.path)) return undefined;
    if (headOf(response, "content-type")?.startsWith("application/json") !== true)
      return `${place} is no JSON`;
    this.counts.set(place, (this.counts.get(place) ?? 0) + 1);
    const { success, error } = this.#schemaOf(found, schema).safeParse(JSON.parse(response.text));
    return success ? undefined : `${place}: ${JSON.stringify(error.issues.slice(0, 3))} in ${response.text}`;
  }

  // Each question is a line in PocketBase's log, and a suite looks at that log.
  #descriptionFor(request: WireRequest): Promise<Found | undefined> {
    const key = JSON.stringify(authorizationOf(request));
    const known = this.#found.get(key) ?? this.#ask(request);
    this.#found.set(key, known);
    return known;
  }

  async #ask(request: WireRequest): Promise<Found | undefined> {
    const authorization = authorizationOf(request);
    const answer = await exchange(this.#url, { path: "/openapi.json", headers: authorization });
    // Not every caller of the suite has a token that reads anything.
    if (answer.status !== 200) return undefined;
    const etag = headOf(answer, "etag") ?? "";
    return { etag, description: JSON.parse(answer.text) as Description };
  }

  // Zod reads JSON Schema, so it judges the answers; references are moved to where it looks for them.
  #schemaOf({ etag, description }: Found, schema: JsonSchema): z.ZodType {
    const text = JSON.stringify(schema);
    const key = `${etag} ${text}`;
    const known = this.#schemas.get(key);
    if (known !== undefined) return known;
    const moved = JSON.stringify({ ...schema, $defs: description.components.schemas });
    const made = z.fromJSONSchema(JSON.parse(moved.replaceAll("#/components/schemas/", "#/$defs/")));
    this.#schemas.set(key, made);
    return made;
  }
}

const METHODS = { GET: "get", POST: "post", PATCH: "patch", PUT: "put", DELETE: "delete" } as const;

const operationOf = (
  { paths }: Description,
  { method = "GET", path }: WireRequest,
): Operation | undefined => {
  const segments = path.split("?", 1)[0]?.split("/") ?? [];
  const fits = (template: string): boolean => {
    const parts = template.split("/");
    return (
      parts.length === segments.length &&
      parts.every((part, at) => (part.startsWith("{") ? segments[at] !== "" : part === segments[at]))
    );
  };
  const name = METHODS[method as keyof typeof METHODS];
  // A path without parameters is meant before one with them.
  const templates = Object.keys(paths).filter(fits);
  const best = templates.sort((a, b) => a.split("{").length - b.split("{").length)[0] ?? "";
  return name === undefined ? undefined : paths[best]?.[name];
};

type Whole = Exclude<Described, { readonly $ref: string }>;

const wholeOf = ({ components }: Description, response: Described): Whole | undefined => {
  const whole = "$ref" in response ? components.responses[response.$ref.split("/").at(-1) ?? ""] : response;
  return whole === undefined || "$ref" in whole ? undefined : whole;
};

const bodySchema = (description: Description, response: Described): JsonSchema | undefined =>
  wholeOf(description, response)?.content?.["application/json"]?.schema;

const CODES = z.object({ "X-Hapta-Error": z.object({ schema: z.object({ enum: z.array(z.string()) }) }) });

const codesIn = (description: Description, response: Described): readonly string[] => {
  const headers = CODES.safeParse(wholeOf(description, response)?.headers);
  return headers.success ? headers.data["X-Hapta-Error"].schema.enum : [];
};
