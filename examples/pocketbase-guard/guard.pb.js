// A PocketBase hook: nobody but Hapta gets an answer, from any route. Put it into PocketBase's pb_hooks folder and give
// both programs the same HAPTA_GUARD_SECRET. See README.md beside this file.
/// <reference path="../pb_data/types.d.ts" />

routerUse(
  new Middleware(
    (e) => {
      // Inside the handler: handlers see nothing of what stands around them.
      const secret = $os.getenv("HAPTA_GUARD_SECRET");
      const presented = e.request.header.get("X-Hapta-Guard");
      if (secret.length < 16 || !$security.equal(presented, secret)) {
        throw new ForbiddenError("This server answers through its gateway only.");
      }
      // Hooks, rules and logs behind this one never see it.
      e.request.header.del("X-Hapta-Guard");
      return e.next();
    },
    // Before everything of PocketBase's own: login, rate limits, the log.
    -100000,
    "haptaGuard",
  ),
);
