// Completes package-lock.json after `npm install NEW-PACKAGE`: npm leaves out optional packages of other
// platforms that its registry did not answer for, and `npm ci` then refuses the lock on every platform.
// Adds only name, version and platform; changes nothing that npm wrote. Usage: node Scripts/completeLock.mjs
import { readFileSync, writeFileSync } from "node:fs";

const file = new URL("../package-lock.json", import.meta.url);
const systems = { android: "android", darwin: "darwin", freebsd: "freebsd", linux: "linux", win32: "win32" };
const processors = ["arm64", "x64", "arm", "ia32", "ppc64", "riscv64", "s390x"];

/** Reads os, cpu and libc out of a platform package's name, such as `@scope/name-linux-arm64-musl`. */
function platformOf(name) {
  const words = name.split(/[/-]/);
  const os = words.find((word) => word in systems || word === "openharmony");
  const cpu = words.find((word) => processors.includes(word));
  if (os === undefined || cpu === undefined) throw new Error(`${name}: the name does not say its platform`);
  const libc = words.at(-1) === "musl" ? ["musl"] : words.at(-1) === "gnu" ? ["glibc"] : undefined;
  return { cpu: [cpu], os: [os], ...(libc ? { libc } : {}) };
}

const lock = JSON.parse(readFileSync(file, "utf8"));
let added = 0;
for (const [path, entry] of Object.entries({ ...lock.packages })) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    if (lock.packages[`${path}/node_modules/${name}`] ?? lock.packages[`node_modules/${name}`]) continue;
    if (!/^\d+\.\d+\.\d+$/.test(version)) throw new Error(`${name}: ${version} is not an exact version`);
    lock.packages[`node_modules/${name}`] = {
      version,
      ...(entry.dev ? { dev: true } : {}),
      ...platformOf(name),
      optional: true,
    };
    added += 1;
  }
}
const [root, ...rest] = Object.entries(lock.packages);
lock.packages = Object.fromEntries([root, ...rest.sort(([a], [b]) => (a < b ? -1 : 1))]);
if (added > 0) writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`package-lock.json: ${added} entries added`);
