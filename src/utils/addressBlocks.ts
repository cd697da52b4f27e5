// The blocks an address is counted in: an IPv4 address alone, an IPv6 one by the /64, /56 and /48 it lies in.
// Addresses come in canonical form (utils/address.ts), mapped ones already as IPv4.

/** Budgets of the wider IPv6 blocks, in those of one client: a /56 may do as much as 4, a /48 as much as 16. */
export const BLOCK_FACTORS = [1, 4, 16] as const;

/** Whether an address is IPv6. */
export const isV6 = (address: string): boolean => address.includes(":");

/**
 * The first four groups of a canonical IPv6 address as two 32-bit numbers: its /64. Anything for text that is none.
 * @param into - Receives `[first, second]`; nothing is allocated.
 */
export const readNetwork = (address: string, into: Int32Array): void => {
  const missing = 8 - groupsIn(address);
  let group = 0;
  let value = 0;
  into[0] = 0;
  into[1] = 0;
  for (let i = 0; i <= address.length && group < 4; i++) {
    const code = i < address.length ? address.charCodeAt(i) : COLON;
    if (code !== COLON) {
      value = (value << 4) | hexDigit(code);
      continue;
    }
    into[group >> 1] = (into[group >> 1] ?? 0) | (value << (group % 2 === 0 ? 16 : 0));
    value = 0;
    // `::` stands for all the groups that are missing; at the very start it also ends an empty one.
    const isGap = address.charCodeAt(i + 1) === COLON;
    group += 1 + (isGap ? missing : 0) - (i === 0 ? 1 : 0);
    if (isGap) i++;
  }
};

const COLON = 58;

const hexDigit = (code: number): number => (code > 57 ? ((code | 32) - 87) & 15 : code - 48);

// Groups that are written out.
const groupsIn = (address: string): number => {
  let groups = 0;
  let isInGroup = false;
  for (let i = 0; i < address.length; i++) {
    const isColon = address.charCodeAt(i) === COLON;
    if (!isColon && !isInGroup) groups++;
    isInGroup = !isColon;
  }
  return groups;
};

/** The second number of {@link readNetwork} with the bits below /64 (level 0), /56 (1) or /48 (2) cleared. */
export const clipNetwork = (second: number, level: number): number =>
  level === 0 ? second : level === 1 ? second & 0xffffff00 : second & 0xffff0000;

/** The block an address is counted in, as text for people: the address itself, or its /64. */
export const blockText = (address: string): string => {
  if (!isV6(address)) return address;
  const network = new Int32Array(2);
  readNetwork(address, network);
  const [first = 0, second = 0] = network;
  const hex = (value: number): string => (value & 0xffff).toString(16);
  return `${hex(first >>> 16)}:${hex(first)}:${hex(second >>> 16)}:${hex(second)}::/64`;
};
