// Server-sent events, cut out of a byte stream: their data for those who only look on, or whole events for those who change them.

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DATA = new TextEncoder().encode('data:');

export interface DataReader {
  /** Bytes of the data of an event; a newline between its lines is left out. */
  data(bytes: Uint8Array): void;
  /** An empty line: the event is whole. */
  end(): void;
}

/** Reads on without holding anything back: the returned function takes the bytes as they come. */
export function createDataScanner(reader: DataReader): (bytes: Uint8Array) => void {
  /** Letters of `data:` seen at the beginning of this line; undefined in a line of another kind. */
  let matched: number | undefined = 0;
  let empty = true;

  /** The index after what of `bytes` belongs to the field's name. */
  function readName(bytes: Uint8Array, at: number): number {
    let i = at;
    while (matched !== undefined && matched < DATA.length && i < bytes.length && bytes[i] !== LINE_FEED) {
      if (bytes[i] === DATA[matched]) matched++;
      else if (bytes[i] === CARRIAGE_RETURN && empty) return i;
      else matched = undefined;
      empty = false;
      i++;
    }
    return i;
  }

  return (bytes) => {
    for (let i = 0; i < bytes.length; ) {
      i = readName(bytes, i);
      const feed = bytes.indexOf(LINE_FEED, i);
      const end = feed < 0 ? bytes.length : feed;
      if (matched === DATA.length && end > i) reader.data(bytes.subarray(i, end));
      if (feed < 0) return;
      if (empty) reader.end();
      matched = 0;
      empty = true;
      i = feed + 1;
    }
  };
}

/** An event that is larger than this passes as it comes: what we look for is small. */
const MAX_HELD = 64 * 1024;

export interface EventHolder {
  /** The events that are whole now, and pieces of such as are too large to be held. */
  push(bytes: Uint8Array): Uint8Array[];
  /** What was held of an event that never ended. */
  end(): Uint8Array[];
}

/** Length of the blank line that ends an event at `feed`, counted from there; 0 where the event goes on. */
function blankAfter(bytes: Uint8Array, feed: number): number {
  if (bytes[feed + 1] === LINE_FEED) return 2;
  return bytes[feed + 1] === CARRIAGE_RETURN && bytes[feed + 2] === LINE_FEED ? 3 : 0;
}

/** Where the first event in `bytes` ends, or -1. */
function endOfEvent(bytes: Uint8Array, from: number): number {
  for (let feed = bytes.indexOf(LINE_FEED, from); feed >= 0; feed = bytes.indexOf(LINE_FEED, feed + 1)) {
    const blank = blankAfter(bytes, feed);
    if (blank > 0) return feed + blank;
  }
  return -1;
}

/** Holds an event back until it is whole, so that it can be changed or left out; never more than MAX_HELD bytes and a piece. */
export function createEventHolder(change: (event: Uint8Array) => Uint8Array | undefined): EventHolder {
  let held: Uint8Array = new Uint8Array(0);
  let passing = false;

  return {
    push(bytes) {
      const out: Uint8Array[] = [];
      const joined = held.length > 0 ? Buffer.concat([held, bytes]) : bytes;
      let start = 0;
      // A blank line may lie across the seam.
      let from = Math.max(0, held.length - 2);
      for (let end = endOfEvent(joined, from); end >= 0; end = endOfEvent(joined, from)) {
        const event = joined.subarray(start, end);
        const kept = passing ? event : change(event);
        if (kept) out.push(kept);
        passing = false;
        start = from = end;
      }
      held = joined.subarray(start);
      if (held.length > MAX_HELD) {
        passing = true;
        // The last bytes may be the beginning of the end.
        out.push(held.subarray(0, -2));
        held = held.subarray(-2);
      }
      held = Uint8Array.from(held); // so that a large piece is not kept for its end
      return out;
    },
    end() {
      const rest = held;
      held = new Uint8Array(0);
      return rest.length > 0 ? [rest] : [];
    },
  };
}

/** Where the data of an event with one data line lies; undefined where there is none, or several. */
export function dataOf(event: Uint8Array): { start: number; end: number } | undefined {
  let found: { start: number; end: number } | undefined;
  for (let line = 0; line < event.length; ) {
    const feed = event.indexOf(LINE_FEED, line);
    const next = feed < 0 ? event.length : feed;
    const end = event[next - 1] === CARRIAGE_RETURN ? next - 1 : next;
    if (DATA.every((letter, index) => event[line + index] === letter)) {
      if (found) return undefined;
      const start = line + DATA.length;
      found = { start: event[start] === SPACE ? start + 1 : start, end };
    }
    line = next + 1;
  }
  return found;
}
