// Reads server-sent events as PocketBase writes them: lines end with LF, messages with an empty line. Of a message that is
// too long it keeps nothing but the name. Opens no connection.

/** One message. */
export interface ReadEvent {
  /** The `id:` line; undefined when there is none. */
  readonly id: string | undefined;
  /** The `event:` line, for PocketBase the topic; `message` when there is none. */
  readonly event: string;
  readonly data: string;
}

export interface EventReaderOptions {
  /** Longest message with its field names, in characters: what is held at most, besides the piece that is being read. */
  readonly charsMax: number;
  readonly onEvent: (event: ReadEvent) => void;
  /** A longer one has come; its topic is "" when that could not be read either. */
  readonly onTooLong: (topic: string) => void;
}

/** One stream's. Source: WHATWG HTML, "Server-sent events"; a lone CR ends no line here. */
export class EventReader {
  readonly #options: EventReaderOptions;
  /** Of a message whose end has not come. */
  #pieces: string[] = [];
  #chars = 0;
  /** What was taken last ended a line. */
  #isAtLineStart = false;
  /** The message under way is too long. */
  #isSkipping = false;

  constructor(options: EventReaderOptions) {
    this.#options = options;
  }

  /** Takes the next piece of the stream, cut anywhere. */
  feed(text: string): void {
    let from = 0;
    for (let end = this.#endIn(text, 0); end > 0; end = this.#endIn(text, from)) {
      this.#take(text.slice(from, end));
      this.#finish();
      from = end;
    }
    this.#take(text.slice(from));
  }

  /** Where the message ends that `from` lies in; 0 when that is not in this piece. */
  #endIn(text: string, from: number): number {
    if (from === 0 && this.#isAtLineStart && text.startsWith("\n")) return 1;
    const at = text.indexOf("\n\n", from);
    return at < 0 ? 0 : at + 2;
  }

  #take(text: string): void {
    if (text === "") return;
    this.#isAtLineStart = text.endsWith("\n");
    if (this.#isSkipping) return;
    this.#pieces.push(text);
    this.#chars += text.length;
    if (this.#chars <= this.#options.charsMax) return;
    const { event } = readLines(headOf(this.#pieces));
    this.#clear();
    this.#isSkipping = true;
    this.#options.onTooLong(event);
  }

  #finish(): void {
    const lines = this.#pieces.join("");
    this.#clear();
    const isWhole = !this.#isSkipping;
    this.#isSkipping = false;
    // The next message begins, with no line of its own to be ended.
    this.#isAtLineStart = false;
    if (!isWhole) return;
    const { id, event, data } = readLines(lines);
    if (data !== undefined) this.#options.onEvent({ id, event: event === "" ? "message" : event, data });
  }

  #clear(): void {
    this.#pieces = [];
    this.#chars = 0;
  }
}

/** More than the longest topic, which comes first. */
const HEAD_CHARS = 8_192;

// What follows the last whole line may be half a name.
const headOf = (pieces: readonly string[]): string => {
  const head = pieces.join("").slice(0, HEAD_CHARS);
  return head.slice(0, head.lastIndexOf("\n") + 1);
};

interface Lines {
  id?: string;
  event: string;
  data?: string;
}

const readLines = (text: string): Lines => {
  const read: Lines = { event: "" };
  for (let from = 0; from < text.length; ) {
    const next = text.indexOf("\n", from);
    const end = next < 0 ? text.length : next;
    readLine(text.slice(from, end), read);
    from = end + 1;
  }
  return read;
};

const readLine = (line: string, read: Lines): void => {
  const colon = line.indexOf(":");
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(line[colon + 1] === " " ? colon + 2 : colon + 1);
  if (name === "data") read.data = read.data === undefined ? value : `${read.data}\n${value}`;
  else if (name === "event" || name === "id") read[name] = value;
};
