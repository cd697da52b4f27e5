// Uploads a file in pieces, and goes on where it stopped when it is run again: node examples/files/resume.mjs FILE
// Ctrl-C is the pause. Asks HAPTA_URL (http://localhost:3599) as EMAIL and PASSWORD; the file goes into the user's `avatar`, or
// where COLLECTION, RECORD and FIELD say.
import { createReadStream, statSync } from "node:fs";
import { basename, resolve } from "node:path";
import PocketBase from "pocketbase";
import { FileUrlStorage, Upload } from "tus-js-client";

const {
  HAPTA_URL: hapta = "http://localhost:3599",
  EMAIL = "mira@example.com",
  PASSWORD = "hapta-demo",
  USERS = "users",
  COLLECTION = USERS,
  FIELD = "avatar",
  CHUNK_BYTES = "1000000",
  // Remembers where unfinished uploads are.
  STATE = ".uploads.json",
} = process.env;

const [, , path] = process.argv;
if (path === undefined) {
  process.stderr.write("Which file? node examples/files/resume.mjs FILE\n");
  process.exit(2);
}

const pb = new PocketBase(hapta);
const { record } = await pb.collection(USERS).authWithPassword(EMAIL, PASSWORD);
const size = statSync(path).size;

await new Promise((done, failed) => {
  const upload = new Upload(createReadStream(path), {
    endpoint: `${hapta}/files/tus`,
    uploadSize: size,
    chunkSize: Number(CHUNK_BYTES),
    retryDelays: [0, 1_000, 3_000, 5_000],
    urlStorage: new FileUrlStorage(STATE),
    fingerprint: async () => `${resolve(path)}:${size}:${hapta}`,
    removeFingerprintOnSuccess: true,
    metadata: {
      collection: COLLECTION,
      record: process.env["RECORD"] ?? record.id,
      field: FIELD,
      filename: basename(path),
    },
    onBeforeRequest: (request) => request.setHeader("Authorization", pb.authStore.token),
    onChunkComplete: (_, accepted) => process.stdout.write(`${accepted} of ${size} bytes\n`),
    onSuccess: () => done(),
    onError: failed,
  });
  void upload.findPreviousUploads().then(([earlier]) => {
    if (earlier !== undefined) upload.resumeFromPreviousUpload(earlier);
    upload.start();
  });
});
process.stdout.write("uploaded\n");
