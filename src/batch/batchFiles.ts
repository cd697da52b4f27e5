// The files in the form of a batch, as far as they have come. Holds none of their bytes.

/** One file. */
export interface BatchFile {
  /** Of its part, such as `requests.0.avatar`. */
  readonly name: string;
  /** That have come. */
  bytes: number;
}

/** Grows while the form flows; as many files as the parser allows parts. */
export class BatchFiles {
  readonly list: BatchFile[] = [];
  /** The whole form was read: no file comes any more. */
  isWhole = false;

  begin(name: string): void {
    this.list.push({ name, bytes: 0 });
  }

  /** Bytes of the file that began last. */
  add(bytes: number): void {
    const last = this.list.at(-1);
    if (last !== undefined) last.bytes += bytes;
  }
}
