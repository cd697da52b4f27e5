// Names of channels and what it takes to enter: patterns such as `room/{room}` with one of three rules. Asks nobody.

/**
 * Who may enter.
 * - `public`: everybody. `auth`: whoever is signed in.
 * - `record`: whoever may see the record that the channel's name says.
 */
export type ChannelAccess =
  | { readonly kind: "public" | "auth" }
  | {
      readonly kind: "record";
      readonly collection: string;
      /** The parameter that is the record's id. */
      readonly parameter: string;
    };

/** What the settings say about the channels of one pattern. */
export interface ChannelRule {
  /** Segments of the name; `{room}` stands for one that a client chooses. */
  readonly pattern: string;
  readonly access: ChannelAccess;
  readonly membersMax: number;
  /** Of one message, and of what a member says about itself, as JSON. */
  readonly messageBytesMax: number;
  /** Of one member, in a second; twice as many at once. */
  readonly messagesPerSecondMax: number;
}

/** A channel that somebody named: its rule, and the record it stands for where it stands for one. */
export interface ChannelPlace {
  readonly name: string;
  readonly rule: ChannelRule;
  /** Path of the record in PocketBase's API. */
  readonly recordPath: string | undefined;
}

const PATTERN =
  /^(?:[A-Za-z0-9_-]{1,64}|\{[a-z][A-Za-z0-9]{0,31}\})(?:\/(?:[A-Za-z0-9_-]{1,64}|\{[a-z][A-Za-z0-9]{0,31}\})){0,3}$/;
const PARAMETER = /\{([a-zA-Z0-9]+)\}/g;
/** What a client may put in the place of a parameter: safe in a path, and every id of PocketBase's. */
const VALUE = "([A-Za-z0-9_-]{1,64})";
const RECORD = /^(\w{1,255})\/\{([a-z][A-Za-z0-9]{0,31})\}$/;

const parametersOf = (pattern: string): string[] =>
  Array.from(pattern.matchAll(PARAMETER), ([, name = ""]) => name);

/** Whether a text is a pattern: one to four segments, each parameter once. */
export const isChannelPattern = (text: string): boolean => {
  const parameters = parametersOf(text);
  return PATTERN.test(text) && new Set(parameters).size === parameters.length;
};

/**
 * Reads what it takes to enter the channels of a pattern: `public`, `auth`, or a record such as `posts/{id}`, whose
 * parameter the pattern has. Undefined for anything else.
 */
export const readChannelAccess = (text: string, pattern: string): ChannelAccess | undefined => {
  if (text === "public" || text === "auth") return { kind: text };
  const [, collection, parameter] = RECORD.exec(text) ?? [];
  if (collection === undefined || parameter === undefined) return undefined;
  return parametersOf(pattern).includes(parameter) ? { kind: "record", collection, parameter } : undefined;
};

/** Makes the look-up from a name to its channel: the first pattern that fits counts; undefined when none does. */
export const createFindChannel = (
  rules: readonly ChannelRule[],
): ((name: string) => ChannelPlace | undefined) => {
  const compiled = rules.map((rule) => ({
    rule,
    parameters: parametersOf(rule.pattern),
    test: new RegExp(`^${rule.pattern.replaceAll(PARAMETER, VALUE)}$`),
  }));
  return (name) => {
    for (const { rule, parameters, test } of compiled) {
      const found = test.exec(name);
      if (found === null) continue;
      const { access } = rule;
      if (access.kind !== "record") return { name, rule, recordPath: undefined };
      const id = found[1 + parameters.indexOf(access.parameter)] ?? "";
      return { name, rule, recordPath: `/api/collections/${access.collection}/records/${id}` };
    }
    return undefined;
  };
};
