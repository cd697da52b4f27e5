// Resumable uploads (tus 1.0) as the description shows them: the same in every app.
import type { JsonSchema } from "./jsonSchema.ts";
import {
  type Operation,
  OWN_TAGS,
  type Parameter,
  type Paths,
  pathParameter,
  type Response,
} from "./operation.ts";
import { refusal, refusals } from "./refusals.ts";

const TEXT: JsonSchema = { type: "string" };
const COUNT: JsonSchema = { type: "integer", minimum: 0 };

const header = (name: string, description: string, schema: JsonSchema): Parameter => ({
  name,
  in: "header",
  required: true,
  description,
  schema,
});
const optional = (name: string, description: string): Parameter => ({
  name,
  in: "header",
  description,
  schema: TEXT,
});

const VERSION = header("Tus-Resumable", "The version of the protocol.", { type: "string", const: "1.0.0" });
const CHECKSUM = optional("Upload-Checksum", "`sha1`, `sha256` or `md5`, a blank, and the digest in base64.");
const UPLOAD = pathParameter("id", "The last part of the upload's `Location`.");
const BYTES = "application/offset+octet-stream";

const body = (required: boolean): NonNullable<Operation["requestBody"]> => ({
  required,
  content: { [BYTES]: { schema: { type: "string", format: "binary" } } },
});

/** An answer without a body whose headers say how things stand. */
const told = (description: string, headers: Readonly<Record<string, JsonSchema>>): Response => ({
  description,
  headers: Object.fromEntries(Object.entries(headers).map(([name, schema]) => [name, { schema }])),
});

/** Refusals that only uploads have. */
const REFUSED: Readonly<Record<string, string>> = {
  "408": "The bytes stood still; what has arrived counts.",
  "409": "Another offset, or a piece is under way: ask where it stands.",
  "412": "Another version of the protocol; `Tus-Version` says which is spoken.",
  "415": "The bytes come as another content type.",
  "460": "The bytes are not what their checksum says; the piece is gone.",
  "502": "PocketBase is away; the upload is kept, and asking for it tries again.",
  "507": "There is no room for more unfinished uploads.",
};
const refused = (...statuses: readonly string[]): Record<string, Response> =>
  Object.fromEntries(statuses.map((status) => [status, refusal(status, REFUSED[status] ?? "")]));

const EXPIRES = { "Upload-Expires": TEXT };
const common = { tags: [OWN_TAGS.files] } as const;

const create: Operation = {
  ...common,
  operationId: "beginUpload",
  summary: "Begin a resumable upload",
  description: "tus 1.0. The caller must see the record; its first bytes may come along.",
  parameters: [
    VERSION,
    header("Upload-Length", "Bytes of the file.", COUNT),
    header(
      "Upload-Metadata",
      "`collection`, `record`, `field` and `filename`, each followed by a blank and its value in base64, between commas.",
      TEXT,
    ),
    CHECKSUM,
  ],
  requestBody: body(false),
  responses: {
    "201": told("Begun.", { Location: TEXT, "Upload-Offset": COUNT, ...EXPIRES }),
    ...refusals("400", "401", "403", "404", "413", "429", "503"),
    ...refused("408", "412", "460", "507"),
  },
};

const look: Operation = {
  ...common,
  operationId: "findUpload",
  summary: "Where an upload stands",
  parameters: [UPLOAD, VERSION],
  responses: {
    "200": told("How much has arrived.", { "Upload-Offset": COUNT, "Upload-Length": COUNT }),
    ...refusals("401", "404", "429", "503"),
    ...refused("412"),
  },
};

const append: Operation = {
  ...common,
  operationId: "appendUpload",
  summary: "The next bytes of an upload",
  description:
    "With the last ones the file goes into its record, in the caller's name; 400 when PocketBase refuses it.",
  parameters: [UPLOAD, VERSION, header("Upload-Offset", "Where the bytes belong.", COUNT), CHECKSUM],
  requestBody: body(true),
  responses: {
    "204": told("Arrived.", { "Upload-Offset": COUNT, ...EXPIRES }),
    ...refusals("400", "401", "403", "404", "413", "429", "503"),
    ...refused("408", "409", "412", "415", "460", "502"),
  },
};

const end: Operation = {
  ...common,
  operationId: "endUpload",
  summary: "Give an upload up",
  parameters: [UPLOAD, VERSION],
  responses: { "204": told("Gone.", {}), ...refusals("401", "404", "429", "503"), ...refused("412") },
};

const options: Operation = {
  ...common,
  operationId: "uploadOptions",
  summary: "What is offered for uploads",
  responses: {
    "204": told("The protocol, its extensions, and algorithms for checksums.", {
      "Tus-Version": TEXT,
      "Tus-Extension": TEXT,
      "Tus-Checksum-Algorithm": TEXT,
    }),
  },
};

/** The paths of resumable uploads. */
export const uploadPaths: Paths = {
  "/files/tus": { post: create, options },
  "/files/tus/{id}": { head: look, patch: append, delete: end },
};
