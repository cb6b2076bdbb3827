// Picks a few members out of a stream of JSON records, over any chunk boundaries and in bounded memory however long a record is.
// It believes that the input is JSON: it reads what a runtime writes, and where that is no JSON it finds nothing.

export interface MemberScanner {
  write(bytes: Uint8Array): void;
  /** Forgets a record that has not ended. */
  reset(): void;
}

/** By path, as raw JSON: `{ usage: '{"prompt_tokens":3}' }`. */
export type Found = Readonly<Record<string, string>>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;

/** What each byte means: TEXT ends or escapes text, STRUCTURE or more counts outside of text. */
const STRUCTURE = 1;
const TEXT = 2;
const MEANING = new Uint8Array(256);
for (const byte of [COMMA, COLON, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY]) MEANING[byte] = STRUCTURE;
for (const byte of [QUOTE, BACKSLASH]) MEANING[byte] = TEXT;

/** A usage object has a few hundred bytes; what is longer is not kept. */
const MAX_VALUE = 4096;
const MAX_KEY = 128;
const SEPARATOR = '.';

const decoder = new TextDecoder();

/** A few bytes that are being collected, or nothing once they are too many. */
class Span {
  #bytes: number[] = [];
  #over = false;
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  push(byte: number): void {
    if (this.#bytes.length < this.#limit) this.#bytes.push(byte);
    else this.#over = true;
  }

  take(): string | undefined {
    const text = this.#over ? undefined : decoder.decode(Uint8Array.from(this.#bytes));
    this.#bytes = [];
    this.#over = false;
    return text;
  }
}

/**
 * @param paths members to pick, such as `usage` or `response.usage`; only of objects, at most as deep as the longest
 * @param onRecord what was found in a record that has ended; called for every record
 */
export function createMemberScanner(paths: readonly string[], onRecord: (found: Found) => void): MemberScanner {
  return new Scanner(paths, onRecord);
}

class Scanner implements MemberScanner {
  readonly #wanted: ReadonlySet<string>;
  readonly #deepest: number;
  readonly #onRecord: (found: Found) => void;
  readonly #key = new Span(MAX_KEY);
  readonly #value = new Span(MAX_VALUE);
  #found: Record<string, string> = {};
  #depth = 0;
  /** Of the objects that are open, as deep as is of interest; an array ends the path. */
  #path: string[] = [];
  /** How many of the open containers, from the outside, are objects with a key of interest before them. */
  #objects = 0;
  #inString = false;
  #escaped = false;
  #readingKey = false;
  #expectsKey = false;
  /** Path and depth of the value that is being collected. */
  #picking: { path: string; depth: number } | undefined;

  constructor(paths: readonly string[], onRecord: (found: Found) => void) {
    this.#wanted = new Set(paths);
    this.#deepest = Math.max(0, ...paths.map((path) => path.split(SEPARATOR).length));
    this.#onRecord = onRecord;
  }

  reset(): void {
    this.#found = {};
    this.#depth = 0;
    this.#path = [];
    this.#objects = 0;
    this.#inString = this.#escaped = this.#readingKey = this.#expectsKey = false;
    this.#picking = undefined;
    this.#key.take();
    this.#value.take();
  }

  write(bytes: Uint8Array): void {
    for (let i = this.#leap(bytes, 0); i < bytes.length; i = this.#leap(bytes, i + 1)) this.#read(bytes[i] ?? 0);
  }

  /** The next byte that means anything: text and numbers are most of what there is. */
  #leap(bytes: Uint8Array, at: number): number {
    if (this.#picking || this.#readingKey || this.#escaped) return at;
    const meaning = this.#inString ? TEXT : STRUCTURE;
    let i = at;
    while (i < bytes.length && (MEANING[bytes[i] ?? 0] ?? 0) < meaning) i++;
    return i;
  }

  #read(byte: number): void {
    if (this.#inString) this.#readText(byte);
    else this.#readStructure(byte);
  }

  #readText(byte: number): void {
    const ends = byte === QUOTE && !this.#escaped;
    if (this.#readingKey && !ends) this.#key.push(byte);
    if (this.#picking) this.#value.push(byte);
    this.#escaped = byte === BACKSLASH && !this.#escaped;
    if (!ends) return;
    this.#inString = false;
    if (!this.#readingKey) return;
    this.#readingKey = this.#expectsKey = false;
    this.#path[this.#depth - 1] = this.#key.take() ?? '';
  }

  #readStructure(byte: number): void {
    const picking = this.#picking;
    if (picking && picking.depth === this.#depth && (byte === COMMA || byte === CLOSE_OBJECT))
      this.#picked(picking.path);
    else if (picking) this.#value.push(byte);
    switch (byte) {
      case QUOTE:
        this.#inString = true;
        this.#readingKey = this.#expectsKey;
        return;
      case COLON:
        if (this.#followed()) this.#pick();
        return;
      case COMMA:
        this.#expectsKey = this.#followed();
        return;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        this.#open(byte === OPEN_OBJECT);
        return;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        this.#close();
    }
  }

  /** Whether the innermost container is an object whose members are of interest. */
  #followed(): boolean {
    return this.#depth > 0 && this.#depth === this.#objects;
  }

  #pick(): void {
    if (this.#picking) return;
    const path = this.#path.slice(0, this.#depth).join(SEPARATOR);
    if (this.#wanted.has(path)) this.#picking = { path, depth: this.#depth };
  }

  #picked(path: string): void {
    const text = this.#value.take();
    if (text !== undefined) this.#found[path] = text.trim();
    this.#picking = undefined;
  }

  #open(object: boolean): void {
    if (object && this.#depth === this.#objects && this.#depth < this.#deepest) this.#objects++;
    this.#depth++;
    this.#expectsKey = this.#followed();
  }

  #close(): void {
    if (this.#depth === 0) return;
    if (this.#objects === this.#depth) this.#objects--;
    this.#depth--;
    this.#expectsKey = false;
    if (this.#depth > 0) return;
    const found = this.#found;
    this.reset();
    this.#onRecord(found);
  }
}
