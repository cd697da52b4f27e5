// Holds a streamed answer until it is whole, so that it can be looked into; what is too long or too slow for that
// flows on as it came. Looks into nothing itself.
import { type Answer, type BodySink, type BodySource, isStreamed } from "./answer.ts";

/** Bounds of what is held. */
export interface GatherLimits {
  readonly bytesMax: number;
  readonly timeoutMs: number;
}

/**
 * The same answer with its body at hand, or, past a bound or after a break, with a stream of every byte that came and
 * comes. Never rejects.
 */
export const gatherAnswer = (answer: Answer, { bytesMax, timeoutMs }: GatherLimits): Promise<Answer> => {
  const source = answer.body;
  if (source === null || !isStreamed(source)) return Promise.resolve(answer);
  return new Promise((resolve) => {
    const held: Uint8Array[] = [];
    let bytes = 0;
    let isReleased = false;
    let receiver: BodySink | undefined;
    let ending: ((sink: BodySink) => void) | undefined;
    const settle = (body: Uint8Array | BodySource): void => {
      clearTimeout(timer);
      if (isReleased) return;
      isReleased = true;
      resolve({ ...answer, body });
    };
    const released: BodySource = {
      start: (sink) => {
        receiver = sink;
        const isOpen = held.splice(0).reduce((takes, chunk) => sink.data(chunk) && takes, true);
        if (ending !== undefined) ending(sink);
        else if (isOpen) source.resume();
      },
      resume: () => source.resume(),
      cancel: () => source.cancel(),
    };
    const finish = (how: (sink: BodySink) => void): void => {
      if (receiver !== undefined) how(receiver);
      else ending = how;
    };
    const timer = setTimeout(() => settle(released), timeoutMs);
    source.start({
      data: (chunk) => {
        if (receiver !== undefined) return receiver.data(chunk);
        held.push(chunk);
        bytes += chunk.length;
        if (bytes > bytesMax) settle(released);
        return !isReleased;
      },
      end: () => {
        finish((sink) => sink.end());
        const [only, ...others] = held;
        settle(only !== undefined && others.length === 0 ? only : Buffer.concat(held));
      },
      fail: (error) => {
        finish((sink) => sink.fail(error));
        settle(released);
      },
    });
  });
};
