// Makes PocketBase SDK clients for a target. The SDK is used as it comes; only EventSource is added, as its README asks.
import { EventSource } from "eventsource";
import PocketBase from "pocketbase";
import { SUPERUSER } from "../support/fixture/load.ts";
import { PASSWORD } from "../support/fixture/records.ts";
import type { Target } from "../support/targets.ts";

Object.assign(globalThis, { EventSource });

/** A client that nobody signed in with. */
export const guestClient = (target: Target): PocketBase => new PocketBase(target.url);

/** A client signed in as a member of the fixture. */
export const memberClient = async (target: Target, email: string): Promise<PocketBase> => {
  const client = guestClient(target);
  await client.collection("members").authWithPassword(email, PASSWORD);
  return client;
};

/** A client signed in as the superuser. */
export const superuserClient = async (target: Target): Promise<PocketBase> => {
  const client = guestClient(target);
  await client.collection("_superusers").authWithPassword(SUPERUSER.email, SUPERUSER.password);
  return client;
};
