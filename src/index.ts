// The entry point: command line in, exit code out, signals in between.
import { boot, type Gateway } from "./boot.ts";
import { BootError } from "./pocketbase/bootError.ts";
import { loadSettings, parseCommand } from "./settings.ts";

const main = async (): Promise<void> => {
  const input = { argv: process.argv.slice(2), env: process.env, cwd: process.cwd() };
  const command = await parseCommand(input);
  if (command.kind === "print") {
    process[command.stream].write(command.text);
    process.exitCode = command.exitCode;
    return;
  }
  let gateway: Gateway;
  try {
    gateway = await boot(command.settings, { env: process.env, rereadSettings: () => loadSettings(input) });
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    // The first signal asks, the second insists.
    const ending = signals === 1 ? gateway.stop() : gateway.kill();
    ending.then(
      () => process.exit(signals === 1 ? 0 : 1),
      (error) => {
        report("could not stop cleanly", error);
        process.exit(1);
      },
    );
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
  process.on("SIGHUP", () => void gateway.reload().catch((error) => report("could not reload", error)));
};

// One request's bug must not end everybody's process; what reaches here was logged nowhere else.
const report = (what: string, error: unknown): void => {
  process.stderr.write(
    `${what}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
  );
};
process.on("unhandledRejection", (error) => report("unhandled rejection", error));
process.on("uncaughtException", (error) => report("uncaught exception", error));

await main();
