// The step of the cache's model suite in which everybody reads while others write.
import type { Caller } from "./cacheClients.ts";
import { CALLERS, type Scene } from "./cacheScene.ts";
import { COUNTER } from "./cacheWorld.ts";

const PATHS = [
  "docs/records?sort=id&fields=id,n",
  `docs/records/${COUNTER}`,
  "docs/records?sort=-n,id&perPage=50",
];
const WRITES = 25;

/** A counter that only grows, written and read at once: nobody may see it go back, or miss what was acknowledged. */
export const countUp = async (scene: Scene): Promise<void> => {
  scene.doing = "counting";
  const listRule = scene.draw.pick(["", '@request.auth.id != "" || open = true']);
  await scene.setRules(scene.through, "docs", { listRule, viewRule: "" });
  let acknowledged = 0;
  let isOver = false;
  const reader = async (caller: Caller, offset: number): Promise<void> => {
    let last = 0;
    for (let i = offset; !isOver; i++) {
      const least = Math.max(acknowledged, last);
      const path = PATHS[i % PATHS.length] ?? "";
      const { text, cacheStatus } = await scene.readThrough({ path, caller, isKeyed: false });
      const found = counterIn(text);
      if (found === undefined || found < least)
        throw new Error(
          `${path} as ${caller} says ${found} after ${least} (${cacheStatus}): ${text.slice(0, 300)}`,
        );
      last = found;
    }
  };
  // One alone: of two at once, PocketBase itself may lose one, and go back.
  const writer = async (): Promise<void> => {
    const url = `collections/docs/records/${COUNTER}`;
    for (let i = 0; i < WRITES; i++) {
      const body = { "n+": 1 };
      const requests = [{ method: "PATCH", url: `/api/${url}`, body }];
      const { text } = await (i % 3 === 2
        ? scene.through.send("POST batch", { requests }, "superuser")
        : scene.through.send(`PATCH ${url}`, body, "superuser"));
      acknowledged = counterIn(text) ?? acknowledged;
      if (i % 5 === 4) await Bun.sleep(20);
    }
  };
  const readers = CALLERS.map((caller, i) => reader(caller, i));
  try {
    await Promise.race([writer(), Promise.all(readers)]);
  } finally {
    isOver = true;
    await Promise.all(readers);
  }
};

interface Counted {
  readonly id: string;
  readonly n: number;
}

/** In a record, a list, or the answer to a batch; undefined when it is not in it. */
const counterIn = (text: string): number | undefined => {
  const json = JSON.parse(text) as Counted | { items: Counted[] } | { body: Counted }[];
  if (Array.isArray(json)) return json[0]?.body.n;
  return "items" in json ? json.items.find(({ id }) => id === COUNTER)?.n : json.n;
};
