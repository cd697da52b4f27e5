// How many thumbs are asked for at a time: PocketBase makes each at its first request, at the price of decoding a whole
// picture, and what waits for it there holds a place that others need. Makes no thumb.
import { Gate } from "../pocketbase/wire/gate.ts";

/** At a time; PocketBase itself makes two more than there are CPUs. */
const THUMBS_MAX = 8;
const WAITING_MAX = 256;
const SWEEP_MS = 500;

/** Who wants a thumb. */
export interface ThumbCaller {
  /** Clients take turns. */
  readonly key: string;
  /** Told when there is a wait, with what ends it. */
  readonly onQueued: (withdraw: () => void) => void;
}

/** Runs `ask` in its turn; undefined when there was no place in time, or the caller withdrew. Rejects as `ask` does. */
export type InTurn = <T>(caller: ThumbCaller, ask: () => Promise<T>) => Promise<T | undefined>;

/** @param queueTimeoutMs - How long one waits for a turn. */
export const createThumbGate = (queueTimeoutMs: number): InTurn => {
  const gate = new Gate({ inFlightMax: THUMBS_MAX, queuedMax: WAITING_MAX, queueTimeoutMs });
  setInterval(() => gate.sweep(performance.now()), SWEEP_MS).unref();
  return async (caller, ask) => {
    if (!(await gate.enter(caller.key, performance.now(), caller.onQueued))) return undefined;
    try {
      return await ask();
    } finally {
      gate.leave();
    }
  };
};
