// The PocketBase SDK's realtime surface, with a real EventSource, against every target.
import { expect, test } from "bun:test";
import PocketBase, { type RecordSubscription } from "pocketbase";
import { eventually } from "../support/eventually.ts";
import { IDS } from "../support/fixture/records.ts";
import { startMutatingProxy } from "../support/mutatingProxy.ts";
import { describeTargets } from "../support/targets.ts";
import { guestClient, memberClient } from "./client.ts";

/** The SDK gives an attempt that hangs 15 s before it tries again; a kept-alive connection that was cut may hang. */
const GIVE_UP_MS = 25_000;

describeTargets("SDK realtime", (target) => {
  test("subscribe hears create, update and delete, unsubscribe hears nothing more", async () => {
    const client = guestClient(target);
    const events: string[] = [];
    const note = (event: RecordSubscription): void => {
      events.push(`${event.action} ${event.record["title"]}`);
    };
    const unsubscribe = await client.collection("notices").subscribe("*", note, { fields: "id,title" });
    const writer = guestClient(target).collection("notices");
    const made = await writer.create({ title: "Live" });
    await writer.update(made.id, { title: "Alive" });
    await writer.delete(made.id);
    await eventually(() => events.length === 3, 5_000);
    expect(events.toSorted()).toEqual(["create Live", "delete Alive", "update Alive"]);
    await unsubscribe();
    expect(client.realtime.isConnected).toBe(false);
  });

  test("a member's private subscription works and unsubscribeAll closes", async () => {
    const client = await memberClient(target, "ada@example.com");
    const heard: unknown[] = [];
    await client.collection("diaries").subscribe(IDS.diary, (event) => heard.push(event.record["entry"]));
    await client.collection("diaries").update(IDS.diary, { entry: "heard privately" });
    await eventually(() => heard.includes("heard privately"), 5_000);
    expect(client.realtime.clientId).toMatch(/^\w{40}$/);
    await client.realtime.unsubscribe();
    expect(client.realtime.isConnected).toBe(false);
  });

  test("a filtered subscription hears only what matches", async () => {
    const client = guestClient(target);
    const heard: unknown[] = [];
    await client
      .collection("notices")
      .subscribe("*", (event) => heard.push(event.record.id), { filter: "count > 1000" });
    const writer = guestClient(target).collection("notices");
    await writer.update("notice000000001", { count: 10 });
    await writer.update("notice000000002", { count: 2000 });
    await eventually(() => heard.length > 0, 5_000);
    expect(heard).toEqual(["notice000000002"]);
    await client.realtime.unsubscribe();
  });

  test("the SDK connects again by itself after its connections were cut", async () => {
    await using network = await startMutatingProxy(target.url);
    const client = new PocketBase(network.url);
    const heard: unknown[] = [];
    await client.collection("notices").subscribe("*", (event) => heard.push(event.record["title"]));
    const before = client.realtime.clientId;
    network.cut();
    await eventually(() => client.realtime.isConnected && client.realtime.clientId !== before, GIVE_UP_MS);
    const writer = guestClient(target).collection("notices");
    await eventually(async () => {
      await writer.update("notice000000003", { title: "Again" });
      return heard.includes("Again");
    }, 8_000);
    await client.realtime.unsubscribe();
  }, 60_000);
});
