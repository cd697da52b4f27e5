// A hub with an upstream that a test plays, and clients whose wires are lists: for unit tests of realtime.
import type { OpenRealtime, RealtimeListener } from "../../src/pocketbase/realtimeStream.ts";
import { UpstreamError } from "../../src/pocketbase/wire/upstreamError.ts";
import { Hub, type HubOptions } from "../../src/realtime/hub.ts";
import type { Message } from "../../src/realtime/message.ts";
import { renderOffset } from "../../src/realtime/offset.ts";
import { GUEST, type Subject } from "../../src/realtime/subject.ts";
import type { Subscriber } from "../../src/realtime/subscriber.ts";
import type { Surroundings } from "../../src/realtime/turns.ts";

interface Upstream {
  readonly listener: RealtimeListener;
  topics: readonly string[];
  credential: string | undefined;
  isOpen: boolean;
}

/** Plays PocketBase: what was opened and subscribed, and a way to tell and to break. */
export const startUpstream = () => {
  const streams: Upstream[] = [];
  const state = { isDown: false, isSilent: false, isProvable: true, provoked: 0 };
  const open: OpenRealtime = async (_, listener) => {
    if (state.isDown) throw new UpstreamError("unreachable");
    const stream: Upstream = { listener, topics: [], credential: undefined, isOpen: true };
    streams.push(stream);
    return {
      clientId: `upstream${streams.length}`,
      subscribe: async (topics, credential) => {
        if (state.isDown || !stream.isOpen) throw new UpstreamError("unreachable");
        if (credential === "dead" && stream.credential !== undefined) return 403;
        stream.topics = topics;
        stream.credential = credential;
        return 204;
      },
      provoke: async (code) => {
        state.provoked++;
        if (!state.isProvable) return false;
        if (!state.isSilent) listener.onMessage("@oauth2", code);
        return true;
      },
      close: () => {
        stream.isOpen = false;
      },
    };
  };
  const tell = (topic: string, data: string): void => {
    for (const { isOpen, topics, listener } of [...streams])
      if (isOpen && topics.includes(topic)) listener.onMessage(topic, data);
  };
  const lose = (): void => {
    for (const stream of streams) {
      if (!stream.isOpen) continue;
      stream.isOpen = false;
      stream.listener.onEnd();
    }
  };
  return { streams, state, open, tell, lose };
};

/** Nothing is kept for clients that come back. */
export const NO_HISTORY = { eventsMax: 1, bytesMax: 1, ageMsMax: 0 };

/** What telling clients has cost so far, as {@link connect} says. */
let toldMs = 0;
/** Only telling takes any time, so that how busy the machine is changes nothing. */
const SURROUNDINGS: Surroundings = {
  nowMs: () => toldMs,
  later: (ms, work) => void (ms === 0 ? setImmediate(work) : setTimeout(work, ms)),
  idleShare: () => 1,
};

const hubs: Hub[] = [];
/** Ends every hub of a test; for `afterEach`. */
export const closeHubs = (): void => {
  for (const hub of hubs.splice(0)) hub.close();
};

/** Quick in all it does; closed by {@link closeHubs}. */
export const createHub = (open: OpenRealtime, options: Partial<HubOptions> = {}): Hub => {
  const hub = new Hub({
    open,
    clientsMax: 100,
    bufferBytesMax: 1_000,
    upstreamsMax: 100,
    history: { eventsMax: 100, bytesMax: 1_000_000, ageMsMax: 60_000 },
    mayReplay: () => true,
    sessions: { upstreamToken: ({ id }) => `token-of-${id}`, isLive: () => true },
    log: () => undefined,
    surroundings: SURROUNDINGS,
    ...options,
    times: { retryMs: 5, retryMsMax: 20, waitMsMax: 300, lingerMs: 20, sweepMs: 10, ...options.times },
  });
  hubs.push(hub);
  return hub;
};

/** A client whose wire is a list of what it was told. */
export interface Client {
  readonly subscriber: Subscriber;
  readonly heard: string[];
  isSlow: boolean;
  /** Where it stands. */
  offset: string | undefined;
  /** In how many pieces its events came. */
  pieces: number;
  subscribe: (topics: readonly string[], subject?: Subject, address?: string) => Promise<string>;
}

/** @param since - Where it left off. */
export const comeBack = (hub: Hub, since: string | undefined): Client => wire(hub, { since });

/** @param takesMs - What telling it something costs. */
export const connect = (hub: Hub, address = "192.0.2.1", takesMs = 0): Client =>
  wire(hub, { address, takesMs });

interface Wire {
  readonly address?: string;
  readonly takesMs?: number;
  readonly since?: string | undefined;
}

const wire = (hub: Hub, { address = "192.0.2.1", takesMs = 0, since }: Wire): Client => {
  const subscriber = hub.connect(address, since);
  if (subscriber === undefined) throw new Error("full");
  const heard: string[] = [];
  const client: Client = {
    subscriber,
    heard,
    isSlow: false,
    offset: undefined,
    pieces: 0,
    subscribe: (topics, subject = GUEST, from = address) =>
      hub.subscribe({
        clientId: subscriber.id,
        topics,
        subject,
        address: from,
      }),
  };
  const say = (text: string): boolean => {
    toldMs += takesMs;
    heard.push(text);
    return !client.isSlow;
  };
  subscriber.attach({
    message: ({ parts, offset }: Message) => {
      if (offset !== undefined) client.offset = renderOffset(offset);
      client.pieces++;
      return parts.map(({ topic, data }) => say(`${topic} ${data}`)).every(Boolean);
    },
    joined: ({ recovered }) => recovered.size === 0 || say(`recovered ${JSON.stringify([...recovered])}`),
    place: (offset) => {
      client.offset = offset;
      return !client.isSlow;
    },
    beat: () => say("beat"),
    gap: () => say("gap"),
    leave: (ms) => void say(`leave ${ms}`),
    close: (reason) => void say(`close ${reason}`),
  });
  return client;
};

/** A signed-in caller. */
export const user = (uid: string, id = `session-${uid}`): Subject => ({
  key: `record/c1/${uid}`,
  who: `c1/${uid}`,
  session: { id, cid: "c1", uid },
  credential: `token-of-${id}`,
});
