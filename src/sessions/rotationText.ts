// The rotating part of a session as stored text, and back. Small on purpose: a million rows share a gigabyte.
import type { DeviceKey } from "./device.ts";
import type { Rotation, Superseded } from "./rotation.ts";

// Devices are written once and named by their place in the list; history times and generations are differences to
// the entry before, so that they stay short.
interface Stored {
  /** Devices: did (null: none), platform, network. */
  readonly d: readonly (readonly [string | null, string, string])[];
  /** Place of the minter. */
  readonly m: number;
  /** History, flat: generation, time, place of the device. */
  readonly h?: readonly number[];
  /** The family's did. */
  readonly f?: string;
  /** Seen devices of a mixed session, by place. */
  readonly x?: readonly number[];
  /** Alternation times. */
  readonly a?: readonly number[];
}

/** What has columns of its own. */
export interface RotationColumns {
  readonly gen: number;
  readonly confirmedAtMs: number | undefined;
}

/** The text of everything but generation and confirmation; at most about 1 KB, typically below 200 bytes. */
export const writeRotation = (rotation: Rotation): string => {
  const devices: DeviceKey[] = [];
  // A history is mostly one device's, in one object: it is looked for once.
  let last: DeviceKey | undefined;
  let lastPlace = 0;
  const place = (device: DeviceKey): number => {
    if (device === last) return lastPlace;
    const known = devices.findIndex((one) => isSame(one, device));
    last = device;
    lastPlace = known >= 0 ? known : devices.push(device) - 1;
    return lastPlace;
  };
  const minter = place(rotation.minter);
  const history: number[] = [];
  let gen = 0;
  let atMs = 0;
  for (const past of rotation.history) {
    const pastMs = Math.round(past.atMs);
    history.push(past.gen - gen, pastMs - atMs, place(past.by));
    gen = past.gen;
    atMs = pastMs;
  }
  const seen = rotation.seen.map(place);
  const stored: Stored = {
    d: devices.map(({ did, platform, network }) => [did ?? null, platform, network]),
    m: minter,
    ...(history.length > 0 ? { h: history } : {}),
    ...(rotation.familyDid === undefined ? {} : { f: rotation.familyDid }),
    ...(rotation.isMixed ? { x: seen } : {}),
    ...(rotation.alternationsMs.length > 0 ? { a: rotation.alternationsMs.map(Math.round) } : {}),
  };
  return JSON.stringify(stored);
};

const isSame = (one: DeviceKey, other: DeviceKey): boolean =>
  one.did === other.did && one.platform === other.platform && one.network === other.network;

/** Reads what {@link writeRotation} wrote. @throws SyntaxError when it is something else. */
export const readRotation = (text: string, { gen, confirmedAtMs }: RotationColumns): Rotation => {
  const stored = JSON.parse(text) as Stored;
  const devices = stored.d.map(([did, platform, network]) => ({ did: did ?? undefined, platform, network }));
  const deviceAt = (place: number): DeviceKey => {
    const device = devices[place];
    if (device === undefined) throw new SyntaxError("a session row names a device it does not hold");
    return device;
  };
  return {
    gen,
    confirmedAtMs,
    minter: deviceAt(stored.m),
    history: readHistory(stored.h ?? [], deviceAt),
    familyDid: stored.f,
    isMixed: stored.x !== undefined,
    seen: (stored.x ?? []).map(deviceAt),
    alternationsMs: stored.a ?? [],
  };
};

const readHistory = (
  flat: readonly number[],
  deviceAt: (place: number) => DeviceKey,
): readonly Superseded[] => {
  const history: Superseded[] = [];
  let [gen, atMs] = [0, 0];
  for (let at = 0; at + 2 < flat.length; at += 3) {
    gen += flat[at] ?? 0;
    atMs += flat[at + 1] ?? 0;
    history.push({ gen, atMs, by: deviceAt(flat[at + 2] ?? -1) });
  }
  return history;
};
