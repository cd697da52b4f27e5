// A signing key that stays in a browser: IndexedDB keeps it over reloads, and nobody, the page included, can read it.

const asPromise = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** The key pair of this browser and origin; made when there is none. */
export const storedKey = async (): Promise<CryptoKeyPair> => {
  const opening = indexedDB.open("hapta", 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore("keys");
  const database = await asPromise(opening);
  const found = await asPromise(database.transaction("keys").objectStore("keys").get("dpop"));
  if (found !== undefined) return found;
  const isExtractable = false;
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const made = await crypto.subtle.generateKey(algorithm, isExtractable, ["sign", "verify"]);
  // Another tab may have been faster: its key stays.
  await asPromise(database.transaction("keys", "readwrite").objectStore("keys").add(made, "dpop")).catch(
    () => undefined,
  );
  return asPromise(database.transaction("keys").objectStore("keys").get("dpop"));
};
