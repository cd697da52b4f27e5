// Picks a free loopback port. Holds nothing: whoever uses the port must bind it.
import { BootError } from "./bootError.ts";

// Below the range from which Linux hands out ports to outgoing connections, so that a port picked here is
// not taken by one while PocketBase is being restarted.
const FIRST = 21_000;
const LAST = 31_999;
const TRIES_MAX = 64;

/** A port on 127.0.0.1 that was free a moment ago. @throws BootError when none is found. */
export function freeLoopbackPort(random: () => number = Math.random): number {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = FIRST + Math.floor(random() * (LAST - FIRST + 1));
    if (isFree(port)) return port;
  }
  throw new BootError("No free port on 127.0.0.1 was found for PocketBase; too many are in use.");
}

function isFree(port: number): boolean {
  try {
    Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } }).stop(true);
    return true;
  } catch {
    // Taken; the caller tries another.
    return false;
  }
}
