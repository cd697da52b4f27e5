// What a transaction of the session store works with, on one connection: the tables and the event log. Neither begins nor
// commits.
import type { Database } from "bun:sqlite";
import { type ChainHead, EventLog } from "./eventLog.ts";
import type { SessionEvent } from "./eventRow.ts";
import { Impersonations } from "./impersonations.ts";
import { KeyTable } from "./keyTable.ts";
import { SessionTable } from "./sessionTable.ts";

/** What an acknowledged change works with, inside its transaction. */
export interface StoreTx {
  readonly sessions: SessionTable;
  readonly keys: KeyTable;
  readonly impersonations: Impersonations;
  /** Adds to the event log, in the same transaction as its cause. */
  append(event: SessionEvent): void;
}

/** A transaction under way, and where the event log's chain began and is. */
export interface OpenTx extends StoreTx {
  head: ChainHead;
  readonly before: ChainHead;
}

/** The statements of one connection. The tables must exist. */
export class StoreWriter {
  readonly sessions: SessionTable;
  readonly keys: KeyTable;
  readonly impersonations: Impersonations;
  readonly log: EventLog;

  constructor(db: Database, chain: { readonly key: Buffer; readonly node: number }) {
    this.sessions = new SessionTable(db);
    this.keys = new KeyTable(db);
    this.impersonations = new Impersonations(db);
    this.log = new EventLog(db, chain);
  }

  /** For a transaction that has just begun. `wall`: the time of its events, Unix ms. */
  open(wall: () => number): OpenTx {
    const { sessions, keys, impersonations, log } = this;
    const before = log.head();
    const tx: OpenTx = {
      ...{ sessions, keys, impersonations, before, head: before },
      append: (event) => {
        tx.head = log.append(event, wall(), tx.head);
      },
    };
    return tx;
  }

  /** Records where the chain ends; before the commit. Keeps about `eventsMax` events. */
  finish({ head, before }: OpenTx, eventsMax: number): void {
    if (head.seq === before.seq) return;
    this.log.writeHead(head);
    this.log.trim(eventsMax, head, before);
  }

  /** Frees the statements: a connection with open ones would linger after its close. */
  close(): void {
    for (const one of [this.sessions, this.impersonations, this.log]) one.close();
  }
}
