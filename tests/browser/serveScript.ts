// A web site of one page, which runs one script: an app on an origin of its own.

const PAGE =
  '<!doctype html><meta charset="utf-8"><title>app</title><link rel="icon" href="data:,"><script type="module" src="/app.js"></script>';

/** Bundles the script at `entry` and serves it, on a free port unless told. */
export const serveScript = async (entry: string, port = 0): Promise<Bun.Server<undefined>> => {
  const { outputs, success } = await Bun.build({ entrypoints: [entry], target: "browser" });
  const script = success ? await outputs[0]?.text() : undefined;
  return Bun.serve({
    hostname: "127.0.0.1",
    port,
    fetch: ({ url }) =>
      url.endsWith("/app.js")
        ? new Response(script, { headers: { "Content-Type": "text/javascript" } })
        : new Response(PAGE, { headers: { "Content-Type": "text/html" } }),
  });
};
