// Collections with every field type and option of PocketBase 0.39, for judging bodies. Talks to no server.

type Json = Record<string, unknown>;

const open = { listRule: "", viewRule: "", createRule: "", updateRule: "", deleteRule: "" };

/** Every field type, each option at least once. */
export const EVERYTHING: Json = {
  id: "pbc_everything1",
  name: "everything",
  type: "base",
  ...open,
  fields: [
    { name: "text", type: "text" },
    { name: "textRange", type: "text", min: 2, max: 5 },
    { name: "textPattern", type: "text", pattern: "^[a-z0-9-]*$" },
    { name: "textGroups", type: "text", pattern: "^[a-z]+(?:-[a-z0-9]+)*$|^x\\d{2,3}\\b" },
    { name: "textGoPattern", type: "text", pattern: "(?i)^ab\\z" },
    { name: "textAuto", type: "text", required: true, min: 3, autogeneratePattern: "[a-z]{8}" },
    { name: "textHidden", type: "text", hidden: true, max: 3 },
    { name: "number", type: "number" },
    { name: "numberRange", type: "number", min: -2.5, max: 1000 },
    { name: "numberPositive", type: "number", min: 1, onlyInt: true },
    { name: "numberInt", type: "number", onlyInt: true, max: 7 },
    { name: "bool", type: "bool" },
    { name: "email", type: "email" },
    { name: "emailOnly", type: "email", onlyDomains: ["example.com"] },
    { name: "emailExcept", type: "email", exceptDomains: ["example.com"] },
    { name: "url", type: "url" },
    { name: "urlOnly", type: "url", onlyDomains: ["example.com"] },
    { name: "urlExcept", type: "url", exceptDomains: ["example.com"] },
    { name: "editor", type: "editor", maxSize: 40 },
    { name: "date", type: "date" },
    { name: "dateRange", type: "date", min: "2024-01-01 00:00:00.000Z", max: "2024-12-31 23:59:59.999Z" },
    { name: "auto", type: "autodate", onCreate: true, onUpdate: true },
    { name: "select", type: "select", maxSelect: 1, values: ["red", "green", "3", "true"] },
    { name: "selectMany", type: "select", maxSelect: 2, values: ["red", "green", "blue", "3"] },
    { name: "json", type: "json", maxSize: 60 },
    { name: "relation", type: "relation", collectionId: "pbc_members0001", maxSelect: 1 },
    { name: "relationMany", type: "relation", collectionId: "pbc_members0001", minSelect: 2, maxSelect: 3 },
    { name: "file", type: "file", maxSelect: 1 },
    { name: "fileMany", type: "file", maxSelect: 2, maxSize: 30 },
    { name: "geo", type: "geoPoint" },
    { name: "password", type: "password", min: 3, max: 9, pattern: "^\\w*$", cost: 4 },
  ],
};

const needed = (type: string, options: Json = {}): Json => ({ name: type, type, required: true, ...options });

/** Every field type that can be required, required. */
export const REQUIRED: Json = {
  id: "pbc_required001",
  name: "required",
  type: "base",
  ...open,
  fields: [
    needed("text"),
    needed("number"),
    needed("bool"),
    needed("email"),
    needed("url"),
    needed("editor"),
    needed("date"),
    needed("select", { values: ["red", "green"], maxSelect: 1 }),
    needed("json"),
    needed("relation", { collectionId: "pbc_members0001", maxSelect: 1 }),
    needed("geoPoint"),
    needed("password", { cost: 4 }),
  ],
};

/** An auth collection with fields of its own; its password is as short as PocketBase allows. */
export const PEOPLE: Json = {
  id: "pbc_people00001",
  name: "people",
  type: "auth",
  ...open,
  authAlert: { enabled: false },
  fields: [
    { name: "password", type: "password", system: true, hidden: true, required: true, min: 8, cost: 4 },
    { name: "nick", type: "text", required: true, max: 8 },
    { name: "note", type: "text", hidden: true, max: 3 },
  ],
};

/** In an order that an import accepts. */
export const JUDGED: readonly Json[] = [EVERYTHING, REQUIRED, PEOPLE];
