// Monotonic time that stands still while one event is dealt with, as event loops have it: what is decided about a request
// at once is decided for one moment, and the clock is read once for all of it. Sets no timers.

let heldMs: number | undefined;

/** Monotonic ms: the moment at which the event at hand began, where {@link holdMoment} was called, else this very one. */
export const momentMs = (): number => heldMs ?? performance.now();

/**
 * Makes time stand still until {@link letMomentGo}, which must follow before the event ends, whatever happens. For what
 * takes no longer than an event may take anyway; what waits for something finds time running again.
 */
export const holdMoment = (): void => {
  heldMs = performance.now();
};

export const letMomentGo = (): void => {
  heldMs = undefined;
};
