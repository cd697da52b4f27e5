import { expect, test } from "bun:test";
import { Refusal } from "../errors.ts";
import type { Principal } from "../exchange.ts";
import { blockText } from "../utils/addressBlocks.ts";
import { Secret } from "../utils/secret.ts";
import { createOperatorCheck, type OperatorExchange } from "./operator.ts";

const KEY = "an-admin-key-of-some-length";

const clientAt = (address: string) => ({ address, block: blockText(address) });

const exchangeOf = (
  authorization: string | undefined,
  more: Partial<OperatorExchange> = {},
): OperatorExchange => ({
  id: "r1",
  headers: [],
  authorizations: authorization === undefined ? [] : [authorization],
  client: clientAt("203.0.113.7"),
  principal: { kind: "guest" },
  credential: "whatever came",
  ...more,
});

const outcomeOf = (check: (exchange: OperatorExchange) => undefined, exchange: OperatorExchange): string => {
  try {
    check(exchange);
    return exchange.principal.kind;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return error.code;
  }
};

const build = (adminKey: string | undefined = KEY) => {
  let nowMs = 0;
  let wrong = 0;
  const check = createOperatorCheck({
    adminKey: adminKey === "" ? undefined : new Secret(adminKey),
    onWrongKey: () => {
      wrong++;
    },
    now: () => nowMs,
  });
  return {
    ask: (authorization?: string, more?: Partial<OperatorExchange>) =>
      outcomeOf(check, exchangeOf(authorization, more)),
    check,
    pass: (ms: number) => {
      nowMs += ms;
    },
    wrong: () => wrong,
  };
};

test("the key opens, anything else does not", () => {
  const { ask, wrong } = build();
  expect(ask(`Bearer ${KEY}`)).toBe("operator");
  expect(ask(`bearer ${KEY}`)).toBe("operator");
  for (const text of [undefined, "", KEY, `Basic ${KEY}`]) expect(ask(text)).toBe("admin_key_required");
  expect(wrong()).toBe(0);
  for (const text of [`Bearer ${KEY}x`, `Bearer ${KEY.slice(1)}`, `Bearer  ${KEY}`])
    expect(ask(text)).toBe("admin_key_required");
  expect(wrong()).toBe(3);
});

test("a key is never a credential for PocketBase", () => {
  const { check } = build();
  const exchange = exchangeOf(`Bearer ${KEY}`);
  check(exchange);
  expect(exchange.credential).toBeUndefined();
});

test("superusers are let in, others with a session are not", () => {
  const { ask } = build();
  const session = { id: "s", cid: "c", uid: "u" } as NonNullable<
    Principal & { kind: "superuser" }
  >["session"];
  expect(ask("a.b.c", { principal: { kind: "superuser", session } })).toBe("superuser");
  expect(ask("a.b.c", { principal: { kind: "record", session: undefined } })).toBe("admin_key_required");
  expect(ask("a.b.c", { principal: { kind: "record", session } })).toBe("admin_key_required");
});

test("without a key the admin API does not exist", () => {
  const { ask } = build("");
  for (const text of [undefined, "Bearer ", "Bearer x", "Bearer undefined"])
    expect(ask(text)).toBe("not_found");
});

test("wrong keys of an address wait longer and longer; the right key never does", () => {
  const { ask, pass, wrong } = build();
  for (let at = 0; at < 6; at++) expect(ask("Bearer wrong")).toBe("admin_key_required");
  for (let at = 0; at < 100; at++) {
    expect(ask("Bearer wrong")).toBe("admin_key_blocked");
    expect(ask(`Bearer ${KEY}`)).toBe("operator");
  }
  // What is not judged is not noted either, and the right key gives no wrong one its turn back.
  expect(wrong()).toBe(6);
  const elsewhere = { client: clientAt("203.0.113.8") };
  expect(ask("Bearer wrong", elsewhere)).toBe("admin_key_required");
  pass(1_001);
  expect(ask("Bearer wrong")).toBe("admin_key_required");
  expect(ask("Bearer wrong")).toBe("admin_key_blocked");
  expect(ask(`Bearer ${KEY}`)).toBe("operator");
});

test("a whole IPv6 network of one customer is one address", () => {
  const { ask } = build();
  const at = (tail: string) => ({
    client: clientAt(`2001:db8:1:2::${tail}`),
  });
  for (let i = 1; i <= 6; i++) ask("Bearer wrong", at(String(i)));
  expect(ask("Bearer wrong", at("ffff"))).toBe("admin_key_blocked");
  expect(ask(`Bearer ${KEY}`, at("ffff"))).toBe("operator");
});
