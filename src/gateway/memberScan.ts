// Picks a few members out of a stream of JSON records, over any chunk boundaries and in bounded memory however long a record is.
// It believes that the input is JSON: it reads what a runtime writes, and where that is no JSON it finds nothing.
//
// It runs for every token of every stream, so it makes nothing on the way: keys are compared where they lie, and only what
// is picked becomes a string.
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './jsonBytes.ts';

export interface MemberScanner {
  write(bytes: Uint8Array): void;
  /** Forgets a record that has not ended. */
  reset(): void;
}

/** By path, as raw JSON: `{ usage: '{"prompt_tokens":3}' }`. */
export type Found = Readonly<Record<string, string>>;

/** What each byte means: TEXT ends or escapes text, STRUCTURE or more counts outside of text. */
const STRUCTURE = 1;
const TEXT = 2;
const MEANING = new Uint8Array(256);
for (const byte of [COMMA, COLON, OPEN_OBJECT, CLOSE_OBJECT, OPEN_ARRAY, CLOSE_ARRAY]) MEANING[byte] = STRUCTURE;
for (const byte of [QUOTE, BACKSLASH]) MEANING[byte] = TEXT;

/** A usage object has a few hundred bytes; what is longer is not kept. */
const MAX_VALUE = 4096;
const SEPARATOR = '.';

/** A key on the way to something that is wanted. */
interface Node {
  readonly key: Uint8Array;
  readonly children: Node[];
  /** The path that ends here, if it is wanted. */
  path?: string;
}

function treeOf(paths: readonly string[]): Node {
  const root: Node = { key: new Uint8Array(0), children: [] };
  for (const path of paths) {
    let node = root;
    for (const segment of path.split(SEPARATOR)) {
      const key = Buffer.from(segment);
      let child = node.children.find((known) => key.equals(known.key));
      if (!child) {
        child = { key, children: [] };
        node.children.push(child);
      }
      node = child;
    }
    node.path = path;
  }
  return root;
}

/**
 * @param paths members to pick, such as `usage` or `response.usage`; only of objects, not of what lies in arrays
 * @param onRecord what was found in a record that has ended; called for every record
 */
export function createMemberScanner(paths: readonly string[], onRecord: (found: Found) => void): MemberScanner {
  return new Scanner(treeOf(paths), onRecord);
}

class Scanner implements MemberScanner {
  readonly #root: Node;
  readonly #onRecord: (found: Found) => void;
  #found: Record<string, string> = {};
  /** Open containers. */
  #depth = 0;
  /** Of these, from the outside, the objects in which something is wanted. */
  readonly #followed: Node[] = [];
  #inString = false;
  #escaped = false;
  #expectsKey = false;
  #readingKey = false;
  /** The keys that may still be meant, by what was read of this one. */
  #candidates: readonly Node[] = [];
  #keyLength = 0;
  /** The last key, where something is wanted under it. */
  #match: Node | undefined;
  /** What is being picked, and in which depth. */
  #picking: string | undefined;
  #pickDepth = 0;
  readonly #value = Buffer.allocUnsafe(MAX_VALUE);
  #valueLength = 0;

  constructor(root: Node, onRecord: (found: Found) => void) {
    this.#root = root;
    this.#onRecord = onRecord;
  }

  reset(): void {
    this.#found = {};
    this.#depth = 0;
    this.#followed.length = 0;
    this.#inString = this.#escaped = this.#expectsKey = this.#readingKey = false;
    this.#match = this.#picking = undefined;
    this.#valueLength = 0;
  }

  write(bytes: Uint8Array): void {
    for (let i = this.#leap(bytes, 0); i < bytes.length; i = this.#leap(bytes, i + 1)) {
      const byte = bytes[i] ?? 0;
      if (this.#inString) this.#readText(byte);
      else this.#readStructure(byte);
    }
  }

  /** The next byte that means anything: text and numbers are most of what there is. */
  #leap(bytes: Uint8Array, at: number): number {
    if (this.#picking !== undefined || this.#readingKey || this.#escaped) return at;
    const meaning = this.#inString ? TEXT : STRUCTURE;
    let i = at;
    while (i < bytes.length && (MEANING[bytes[i] ?? 0] ?? 0) < meaning) i++;
    return i;
  }

  #readText(byte: number): void {
    const ends = byte === QUOTE && !this.#escaped;
    if (this.#picking !== undefined) this.#keep(byte);
    if (this.#readingKey) this.#readKey(byte, ends);
    this.#escaped = byte === BACKSLASH && !this.#escaped;
    if (ends) this.#inString = false;
  }

  #readKey(byte: number, ends: boolean): void {
    if (ends) {
      this.#match = this.#candidates.find(({ key }) => key.length === this.#keyLength);
      this.#readingKey = this.#expectsKey = false;
      return;
    }
    const at = this.#keyLength++;
    if (this.#candidates.length > 0) this.#candidates = this.#candidates.filter(({ key }) => key[at] === byte);
  }

  #keep(byte: number): void {
    if (this.#valueLength < MAX_VALUE) this.#value[this.#valueLength] = byte;
    this.#valueLength++;
  }

  #readStructure(byte: number): void {
    if (this.#picking !== undefined) {
      if (this.#depth === this.#pickDepth && (byte === COMMA || byte === CLOSE_OBJECT)) this.#picked(this.#picking);
      else this.#keep(byte);
    }
    switch (byte) {
      case QUOTE:
        this.#inString = true;
        if (this.#expectsKey) this.#beginKey();
        return;
      case COLON:
        if (this.#match?.path !== undefined && this.#picking === undefined) this.#pick(this.#match.path);
        return;
      case COMMA:
        this.#match = undefined;
        this.#expectsKey = this.#isFollowed();
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

  /** Whether something is wanted in the innermost container. */
  #isFollowed(): boolean {
    return this.#depth > 0 && this.#depth === this.#followed.length;
  }

  #beginKey(): void {
    this.#readingKey = true;
    this.#candidates = this.#followed[this.#depth - 1]?.children ?? [];
    this.#keyLength = 0;
  }

  #pick(path: string): void {
    this.#picking = path;
    this.#pickDepth = this.#depth;
    this.#valueLength = 0;
  }

  #picked(path: string): void {
    if (this.#valueLength <= MAX_VALUE) this.#found[path] = this.#value.toString('utf8', 0, this.#valueLength).trim();
    this.#picking = undefined;
  }

  #open(object: boolean): void {
    const node = this.#depth === 0 ? this.#root : this.#match;
    if (object && node && this.#depth === this.#followed.length) this.#followed.push(node);
    this.#match = undefined;
    this.#depth++;
    this.#expectsKey = this.#isFollowed();
  }

  #close(): void {
    if (this.#depth === 0) return;
    if (this.#isFollowed()) this.#followed.pop();
    this.#depth--;
    this.#match = undefined;
    this.#expectsKey = false;
    if (this.#depth > 0) return;
    const found = this.#found;
    this.reset();
    this.#onRecord(found);
  }
}
