// A signing key that stays in a browser: IndexedDB keeps it over reloads, and nobody, the page included, can read it.

const asPromise = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** The key pair (ECDSA P-256) of this browser and origin; made when there is none. @returns {Promise<CryptoKeyPair>} */
export const storedKey = async () => {
  const opening = indexedDB.open("hapta", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
  const database = await asPromise(opening);
  const keys = (mode) => database.transaction("keys", mode).objectStore("keys");
  const found = await asPromise(keys("readonly").get("dpop"));
  if (found !== undefined) return found;
  const isExtractable = false;
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const made = await crypto.subtle.generateKey(algorithm, isExtractable, ["sign", "verify"]);
  // Another tab may have been faster: its key stays.
  await asPromise(keys("readwrite").add(made, "dpop")).catch(() => undefined);
  return asPromise(keys("readonly").get("dpop"));
};
