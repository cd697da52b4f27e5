// A process that rotates a session on a shared file again and again. Arguments: data folder, token, rotations.
// Prints how many generations it minted and what went wrong.
import { createSessions } from "../../../src/sessions/createSessions.ts";
import { LAPTOP } from "../sessionKit.ts";

const [dataDir = "", first = "", count = "0"] = process.argv.slice(2);
const sessions = createSessions({ dataDir, warn: () => undefined });
let [token, minted, failures] = [first, 0, 0];
for (let at = 0; at < Number(count); at++) {
  try {
    const outcome = await sessions.refresh(token, LAPTOP);
    if (outcome.kind === "minted") minted++;
    if ("token" in outcome) token = outcome.token;
    else failures++;
  } catch {
    // Counted: no client may see a busy database.
    failures++;
  }
}
sessions.close();
process.stdout.write(JSON.stringify({ minted, failures }));
