// The total in the bytes of a list's answer: reads it, and writes it where PocketBase left it out. Parses no records.

/** The members behind the items, as PocketBase writes them; nothing in a record can end a body like this. */
const TAIL = /,"page":(\d+),"perPage":(\d+),"totalItems":(-?\d+),"totalPages":(-?\d+)\}\n?$/;
const TAIL_BYTES = 160;
const START = '{"items":[';

/** The members behind the items. */
interface Tail {
  /** Where the members of the tail begin. */
  readonly at: number;
  readonly page: string;
  readonly perPage: number;
  readonly totalItems: number;
  readonly end: "" | "\n";
}

/** Undefined for a body in another order of members: PocketBase 0.40 changes it at random beside `fields`. */
export const tailOf = (body: Uint8Array): Tail | undefined => {
  const from = Math.max(0, body.length - TAIL_BYTES);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const tail = bytes.toString("latin1", from);
  const found = TAIL.exec(tail);
  if (found === null || bytes.toString("latin1", 0, START.length) !== START) return undefined;
  const [, page = "", perPage, totalItems] = found;
  return {
    at: from + found.index,
    page,
    perPage: Number(perPage),
    totalItems: Number(totalItems),
    end: tail.endsWith("\n") ? "\n" : "",
  };
};

/** How many records there are on all pages; undefined when the answer does not say. */
export const totalOf = (body: Uint8Array): number | undefined => {
  const total = tailOf(body)?.totalItems;
  return total === undefined || total < 0 ? undefined : total;
};

/** The bytes of a page asked for with `skipTotal`, as PocketBase would have sent them without; undefined for others. */
export const withTotal = (body: Uint8Array, total: number): Uint8Array | undefined => {
  const tail = tailOf(body);
  if (tail === undefined || tail.totalItems !== -1 || tail.perPage < 1) return undefined;
  const { at, page, perPage, end } = tail;
  const pages = Math.ceil(total / perPage);
  const text = `,"page":${page},"perPage":${perPage},"totalItems":${total},"totalPages":${pages}}${end}`;
  return Buffer.concat([body.subarray(0, at), Buffer.from(text, "latin1")]);
};
