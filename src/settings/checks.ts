// Judges what settings say together: contradictions (they stop the boot) and notices (accepted, no effect).
import { nameProblems } from "../cache/readNames.ts";
import { toNamedReads } from "./cacheSchema.ts";
import type { Variables } from "./environment.ts";
import type { ParsedConfig } from "./schema.ts";
import { judgeKey } from "./variableChecks.ts";

/** The settings as their user wrote them, each valid by itself. */
export type Candidate = {
  readonly config: ParsedConfig;
  readonly variables: Variables;
  readonly isMainNode: boolean;
  readonly fixUpstream: boolean;
};

const NO_CLUSTER = "Clustering is not in this version yet";

function judgeCluster({ config, isMainNode }: Candidate): string[] {
  const problems: string[] = [];
  if (config.Server.nodeEnabled) {
    problems.push(`${NO_CLUSTER}: Server.nodeEnabled is true; set it to false.`);
  }
  if (config.Server.Nodes.length > 0) {
    problems.push(`${NO_CLUSTER}: Server.Nodes has ${config.Server.Nodes.length} entries; set it to [].`);
  }
  if (!isMainNode) {
    problems.push(`${NO_CLUSTER}: --mainNode false asks for a second node; leave it out.`);
  }
  return problems;
}

const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Says whether DB_URL names the very port that Hapta is to listen on: every request would come back to it. */
function isOwnAddress(dbUrl: string, config: ParsedConfig): boolean {
  const url = URL.canParse(dbUrl) ? new URL(dbUrl) : undefined;
  // What is wrong with the address itself was said where the variable was judged.
  if (url === undefined) return false;
  const port = url.port === "" ? (url.protocol === "https:" ? 443 : 80) : Number(url.port);
  const isOwnHost = LOOPBACK.test(url.hostname) || url.hostname === config.Server.Host;
  return config.Server.Port !== 0 && port === config.Server.Port && isOwnHost;
}

function judgeUpstream({ config, variables }: Candidate): string[] {
  const dbUrl = variables.get("DB_URL")?.value;
  if (dbUrl === undefined) return [];
  const problems: string[] = [];
  const missing = (["ADMIN_EMAIL", "ADMIN_PASSWORD"] as const).filter((name) => !variables.has(name));
  if (missing.length > 0) {
    problems.push(
      `DB_URL is set but ${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not: set ADMIN_EMAIL and ADMIN_PASSWORD to a superuser of that PocketBase.`,
    );
  }
  if (isOwnAddress(dbUrl, config)) {
    problems.push(
      `DB_URL is Hapta's own address (port ${config.Server.Port}): set DB_URL to PocketBase's, or Server.Port to another port.`,
    );
  }
  return problems;
}

function judgeTimeouts({ Upstream }: ParsedConfig): string[] {
  return (["QueueTimeout", "ConnectTimeout", "FirstByteTimeout"] as const)
    .filter((name) => Upstream[name] > Upstream.TotalTimeout)
    .map(
      (name) =>
        `Upstream.${name} (${Upstream[name]} s) is longer than Upstream.TotalTimeout (${Upstream.TotalTimeout} s): it could never pass; shorten it or lengthen Upstream.TotalTimeout.`,
    );
}

function judgeSessions({ Security: { Sessions } }: ParsedConfig): string[] {
  const pairs = [
    ["Idle", "Absolute"],
    ["SuperuserIdle", "SuperuserAbsolute"],
  ] as const;
  return pairs
    .filter(([idle, absolute]) => Sessions[idle] > Sessions[absolute])
    .map(
      ([idle, absolute]) =>
        `Security.Sessions.${idle} (${Sessions[idle]} s) is longer than Security.Sessions.${absolute} (${Sessions[absolute]} s): it could never pass; shorten it or lengthen Security.Sessions.${absolute}.`,
    );
}

function judgeCookies({ Security }: ParsedConfig): string[] {
  return Security.Cookies.isEnabled && Security.DPoP === "required"
    ? [
        'Security.Cookies.isEnabled is true, but Security.DPoP is "required": a page cannot make a proof for a token it never sees; set one of them to another value.',
      ]
    : [];
}

function judgeGuard({ Upstream }: ParsedConfig): string[] {
  const problem =
    Upstream.GuardSecret === undefined ? undefined : judgeKey("Upstream.GuardSecret", Upstream.GuardSecret);
  return problem === undefined ? [] : [problem];
}

function judgeApps({ Security }: ParsedConfig): string[] {
  const problems: string[] = [];
  const ids = new Set<string>();
  for (const [index, app] of Security.Apps.entries()) {
    const name = `Security.Apps[${index}]`;
    if (ids.has(app.Id))
      problems.push(`${name}: the Id "${app.Id}" is taken by an app before it; change one.`);
    ids.add(app.Id);
    const secrets = [...(app.Secret === undefined ? [] : [app.Secret]), ...(app.Secrets ?? [])];
    if (secrets.length === 0) problems.push(`${name}: has no secret; give it a Secret.`);
    for (const one of secrets) {
      const problem = judgeKey(`${name}.Secret`, one.reveal());
      if (problem !== undefined) problems.push(problem);
    }
  }
  return problems;
}

function judgeWrites({ Security }: ParsedConfig): string[] {
  const known = new Set(Security.Apps.map(({ Id }) => Id));
  return Object.entries(Security.Collections).flatMap(([collection, { Write }]) => {
    const name = `Security.Collections.${collection}.Write`;
    const unknown = (Write.Apps ?? []).filter((id) => !known.has(id));
    const problems = unknown.map((id) => `${name}.Apps: no app "${id}" is in Security.Apps; add it there.`);
    return Write.DPoP === true && Security.DPoP === "off"
      ? [
          ...problems,
          `${name}.DPoP is true, but Security.DPoP is "off": nobody could write; set it to "optional".`,
        ]
      : problems;
  });
}

function judgeRules({ ratelimit }: ParsedConfig): string[] {
  const taken = new Set(["default"]);
  return ratelimit.Rules.flatMap(({ Name }, index) => {
    const isTaken = taken.has(Name);
    taken.add(Name);
    const reason = Name === "default" ? "is that of Max and Duration" : "is taken by a rule before it";
    return isTaken ? [`ratelimit.Rules[${index}]: the Name "${Name}" ${reason}; choose another.`] : [];
  });
}

function judgeNames({ Cache }: ParsedConfig): string[] {
  return nameProblems(toNamedReads(Cache.Names)).map(
    ([name, problem]) => `Cache.Names[${JSON.stringify(name)}]: ${problem}`,
  );
}

function noticeLimits({ ratelimit, Upstream }: ParsedConfig): string[] {
  if (!ratelimit.isEnabled) return [];
  const notices: string[] = [];
  if (ratelimit.Shadow) notices.push("ratelimit.Shadow is true: limits are counted, but nobody is refused.");
  if (ratelimit.MaxInFlightPerAddress >= Upstream.MaxInFlight) {
    notices.push(
      `ratelimit.MaxInFlightPerAddress is ${ratelimit.MaxInFlightPerAddress}: one address can take every place of Upstream.MaxInFlight (${Upstream.MaxInFlight}).`,
    );
  }
  return notices;
}

/** Returns one sentence, with the fix, for every contradiction. */
export function findContradictions(candidate: Candidate): string[] {
  const secret = candidate.config.Security.Secret;
  const secretProblem = secret === undefined ? undefined : judgeKey("Security.Secret", secret);
  return [
    ...judgeCluster(candidate),
    ...(secretProblem === undefined ? [] : [secretProblem]),
    ...judgeUpstream(candidate),
    ...judgeTimeouts(candidate.config),
    ...judgeSessions(candidate.config),
    ...judgeCookies(candidate.config),
    ...judgeApps(candidate.config),
    ...judgeWrites(candidate.config),
    ...judgeGuard(candidate.config),
    ...judgeRules(candidate.config),
    ...judgeNames(candidate.config),
  ];
}

/** Returns one sentence for everything that was accepted but does nothing, or less than it seems to. */
export function findNotices({ config, variables, fixUpstream }: Candidate): string[] {
  const notices: string[] = [];
  if (config.Server.threads > 1) {
    notices.push(`Server.threads is ${config.Server.threads}: this version runs one process.`);
  }
  notices.push(...noticeLimits(config));
  for (const name of ["REDIS_URL", "HAPTA_CLUSTER_SECRET"] as const) {
    if (variables.has(name)) notices.push(`${name} is accepted, but this version does not use it yet.`);
  }
  if (config.Network.TrustedProxies.some((block) => block.endsWith("/0"))) {
    notices.push("Network.TrustedProxies trusts every address to say who the client is: anyone can pretend.");
  }
  const onlyFor = variables.has("DB_URL")
    ? { names: ["HAPTA_POCKETBASE_BIN", "HAPTA_POCKETBASE_DOWNLOAD"] as const, reason: "DB_URL is set" }
    : { names: ["ADMIN_EMAIL", "ADMIN_PASSWORD"] as const, reason: "DB_URL is not set" };
  for (const name of onlyFor.names) {
    if (variables.has(name)) notices.push(`${name} is not used because ${onlyFor.reason}.`);
  }
  if (fixUpstream && !variables.has("DB_URL")) {
    notices.push("--fix-upstream does nothing because DB_URL is not set.");
  }
  return notices;
}
