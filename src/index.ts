// The entry point: command line in, exit code out, signals in between.
import { boot, type Gateway } from "./boot.ts";
import { BootError } from "./pocketbase/bootError.ts";
import { parseCommand } from "./settings.ts";

const main = async (): Promise<void> => {
  const command = await parseCommand({ argv: process.argv.slice(2), env: process.env, cwd: process.cwd() });
  if (command.kind === "print") {
    process[command.stream].write(command.text);
    process.exitCode = command.exitCode;
    return;
  }
  let gateway: Gateway;
  try {
    gateway = await boot(command.settings, process.env);
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
  let signals = 0;
  const onSignal = (): void => {
    signals++;
    // The first signal asks, the second insists.
    if (signals === 1) void gateway.stop().then(() => process.exit(0));
    else void gateway.kill().then(() => process.exit(1));
  };
  process.on("SIGTERM", onSignal);
  process.on("SIGINT", onSignal);
};

// One request's bug must not end everybody's process; what reaches here was logged nowhere else.
process.on("unhandledRejection", (error) => process.stderr.write(`unhandled rejection: ${String(error)}\n`));
process.on("uncaughtException", (error) => process.stderr.write(`uncaught exception: ${String(error)}\n`));

await main();
