// Zod building blocks of the config schema: each carries the sentence, the unit and the allowed values that
// error messages, --check-config and the docs show. Knows no key.
import ipaddr from "ipaddr.js";
import { z } from "zod";

/** What every key says about itself beside its type. */
type Note = { readonly sentence: string; readonly unit?: string };

type Bounds<T> = Note & { readonly min: number; readonly max: number; readonly fallback: T };

const note = ({ sentence, unit }: Note, allowed: string) => ({
  description: sentence,
  allowed,
  ...(unit === undefined ? {} : { unit }),
});

/** A whole number between two bounds, both included. */
export const wholeNumber = (row: Bounds<number>) =>
  z
    .int()
    .min(row.min)
    .max(row.max)
    .default(row.fallback)
    .meta(note(row, `a whole number from ${row.min} to ${row.max}`));

/** A time in seconds, fractions allowed, both bounds included. */
export const seconds = (row: Bounds<number>) =>
  z
    .number()
    .min(row.min)
    .max(row.max)
    .default(row.fallback)
    .meta(note({ ...row, unit: "s" }, `a number of seconds from ${row.min} to ${row.max}`));

/** What such a key says, in ms. */
export const toMs = (value: number): number => Math.round(value * 1000);

/** true or false. */
export const toggle = (row: Note & { readonly fallback: boolean }) =>
  z.boolean().default(row.fallback).meta(note(row, "true or false"));

/** What a key that takes one of a few words says about itself. */
export const choiceNote = (words: readonly string[], sentence: string) =>
  note({ sentence }, `one of ${words.map((word) => `"${word}"`).join(", ")}`);

/** A text of 1 to `max` characters on one line. */
export const line = (row: Note & { readonly max: number; readonly fallback: string }) =>
  z
    .string()
    .min(1)
    .max(row.max)
    .regex(/^\P{Cc}*$/u)
    .default(row.fallback)
    .meta(note(row, `a text of 1 to ${row.max} characters without line breaks`));

/** Most entries that a list in the config file may have. */
const ENTRIES_MAX = 256;

/** A list whose entries are checked and normalised one by one by `read`, which returns undefined for a bad one. */
export const listOf = (
  row: Note & { readonly allowed: string; readonly example: string },
  read: (entry: string) => string | undefined,
) =>
  z
    .array(
      z.string().transform((entry, context) => {
        const value = read(entry);
        if (value !== undefined) return value;
        context.addIssue({
          code: "custom",
          message: `allowed: ${row.allowed}; for example "${row.example}"`,
        });
        return z.NEVER;
      }),
    )
    .max(ENTRIES_MAX)
    .default([])
    .meta(note(row, `a list of at most ${ENTRIES_MAX} entries, each ${row.allowed}`));

/**
 * Reads one address or CIDR block ("10.0.0.0/8", "192.0.2.7", "fd00::/8") and returns it as a block whose host
 * bits are zero. Undefined for anything else; short, octal and hexadecimal forms of IPv4 are refused.
 */
export function readAddressBlock(text: string): string | undefined {
  const [address = "", prefix, ...rest] = text.split("/");
  if (rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return undefined;
  const isV4 = ipaddr.IPv4.isValidFourPartDecimal(address);
  if (!isV4 && (address.includes("%") || !ipaddr.IPv6.isValid(address))) return undefined;
  const bits = isV4 ? 32 : 128;
  const length = prefix === undefined ? bits : Number(prefix);
  if (length > bits) return undefined;
  const block = `${address}/${length}`;
  const network = isV4
    ? ipaddr.IPv4.networkAddressFromCIDR(block)
    : ipaddr.IPv6.networkAddressFromCIDR(block);
  return `${network.toString()}/${length}`;
}

/** Reads a host name or IP literal without scheme, port and path, and returns it in lower case. */
export function readHostName(text: string): string | undefined {
  const host = text.toLowerCase();
  const bare = host.startsWith("[") && host.endsWith("]") ? host.slice(1, -1) : host;
  if (ipaddr.IPv6.isValid(bare) && !bare.includes("%")) return `[${bare}]`;
  const label = "[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?";
  return host.length <= 253 && new RegExp(`^${label}(?:\\.${label})*$`).test(host) ? host : undefined;
}
