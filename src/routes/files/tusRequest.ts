// An exchange as the Request that the library of resumable uploads takes; its body flows at the pace of the disk.
import type { Exchange } from "../../exchange.ts";
import type { BodySource } from "../../http/answer.ts";
import { UploadPace } from "../../pocketbase/wire/uploadPace.ts";

const WAITING_BYTES_MAX = 262_144;

/** How slow a body may be; it fails then. */
export interface BodyPatience {
  /** How long it may stand still. */
  readonly idleMs: number;
  /** On average; 0 for no bound. */
  readonly bytesPerSecondMin: number;
  /** Told when it was too slow. */
  readonly onStall: () => void;
}

/** Makes the request that the library understands. */
export const toRequest = ({ body, headers, method, path }: Exchange, patience: BodyPatience): Request => {
  const all = new Headers();
  for (let i = 0; i < headers.length; i += 2) all.append(headers[i] ?? "", headers[i + 1] ?? "");
  if (body.kind === "stream" && body.length !== undefined) all.set("Content-Length", String(body.length));
  // The host is nobody's: no URL is made of it.
  const init = { method, headers: all };
  if (body.kind === "none") return new Request(`http://hapta.invalid${path}`, init);
  return new Request(`http://hapta.invalid${path}`, {
    ...init,
    body: body.kind === "bytes" ? body.bytes : toWebStream(body.source, patience),
  });
};

const toWebStream = (
  source: BodySource,
  { idleMs, bytesPerSecondMin, onStall }: BodyPatience,
): ReadableStream<Uint8Array> => {
  const pace = new UploadPace(bytesPerSecondMin, idleMs, performance.now());
  let timer: Timer | undefined;
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => {
        const end = (how: () => void): void => {
          clearTimeout(timer);
          how();
        };
        const giveUp = (): void =>
          end(() => {
            onStall();
            source.cancel();
            controller.error(new Error("the body is too slow"));
          });
        timer = setTimeout(giveUp, idleMs);
        source.start({
          data: (chunk) => {
            const nowMs = performance.now();
            if (nowMs > pace.deadlineMs) giveUp();
            else {
              timer?.refresh();
              controller.enqueue(chunk);
            }
            pace.sent(chunk.length);
            const hasRoom = (controller.desiredSize ?? 0) > 0;
            // The disk's time is not the client's.
            if (!hasRoom) pace.pause(nowMs);
            return hasRoom;
          },
          end: () => end(() => controller.close()),
          fail: (error) => end(() => controller.error(error)),
        });
      },
      pull: () => {
        pace.resume(performance.now());
        source.resume();
      },
      cancel: () => {
        clearTimeout(timer);
        source.cancel();
      },
    },
    { highWaterMark: WAITING_BYTES_MAX, size: (chunk) => chunk?.length ?? 0 },
  );
};
