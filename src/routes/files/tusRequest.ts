// An exchange as the Request that the library of resumable uploads takes; its body flows at the pace of the disk.
import type { Exchange } from "../../exchange.ts";
import type { BodySource } from "../../http/answer.ts";

const WAITING_BYTES_MAX = 262_144;

/**
 * Makes the request that the library understands.
 * @param idleMs - How long the body may stand still; then it fails, and `onStall` is told.
 */
export const toRequest = (
  { body, headers, method, path }: Exchange,
  idleMs: number,
  onStall: () => void,
): Request => {
  const all = new Headers();
  for (let i = 0; i < headers.length; i += 2) all.append(headers[i] ?? "", headers[i + 1] ?? "");
  if (body.kind === "stream" && body.length !== undefined) all.set("Content-Length", String(body.length));
  // The host is nobody's: no URL is made of it.
  const init = { method, headers: all };
  if (body.kind === "none") return new Request(`http://hapta.invalid${path}`, init);
  return new Request(`http://hapta.invalid${path}`, {
    ...init,
    body: body.kind === "bytes" ? body.bytes : toWebStream(body.source, idleMs, onStall),
  });
};

const toWebStream = (source: BodySource, idleMs: number, onStall: () => void): ReadableStream<Uint8Array> => {
  let timer: Timer | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const end = (how: () => void): void => {
          clearTimeout(timer);
          how();
        };
        timer = setTimeout(() => {
          onStall();
          source.cancel();
          controller.error(new Error("the body stalled"));
        }, idleMs);
        source.start({
          data: (chunk) => {
            timer?.refresh();
            controller.enqueue(chunk);
            return (controller.desiredSize ?? 0) > 0;
          },
          end: () => end(() => controller.close()),
          fail: (error) => end(() => controller.error(error)),
        });
      },
      pull: () => source.resume(),
      cancel: () => {
        clearTimeout(timer);
        source.cancel();
      },
    },
    { highWaterMark: WAITING_BYTES_MAX, size: (chunk) => chunk?.length ?? 0 },
  );
};
