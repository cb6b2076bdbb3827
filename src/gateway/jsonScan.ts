// Checks JSON and finds its way in it without building anything: what clients send may be 10 MiB of empty arrays, which
// JSON.parse would turn into hundreds of megabytes.
import { BACKSLASH, CLOSE_ARRAY, CLOSE_OBJECT, COLON, COMMA, OPEN_ARRAY, OPEN_OBJECT, QUOTE } from './jsonBytes.ts';

/** Deeper than any message, far from what would cost memory. */
export const MAX_DEPTH = 200;

/** Thrown for text that is not JSON; the message says where. */
export class JsonError extends Error {
  constructor(problem: string, at: number) {
    super(`${problem} at byte ${at}`);
    this.name = 'JsonError';
  }
}

const SPACE = 0x20;
const MINUS = 0x2d;

const isSpace = (byte: number | undefined) => byte === SPACE || byte === 0x0a || byte === 0x0d || byte === 0x09;

/** The first byte from `at` on that is no white space. */
export function skipSpace(bytes: Uint8Array, at: number): number {
  let i = at;
  while (isSpace(bytes[i])) i++;
  return i;
}

const isHex = (byte = 0) =>
  (byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x46) || (byte >= 0x61 && byte <= 0x66);

const isEscape = (byte: number | undefined) => byte !== undefined && '"\\/bfnrt'.includes(String.fromCharCode(byte));

/** The byte after the string that begins at `at`. */
function skipString(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== QUOTE) throw new JsonError('a string is missing', at);
  for (let i = at + 1; i < bytes.length; i++) {
    const byte = bytes[i] ?? 0;
    if (byte === QUOTE) return i + 1;
    if (byte < SPACE) throw new JsonError('a control character stands in a string', i);
    if (byte !== BACKSLASH) continue;
    i++;
    if (bytes[i] === 0x75) {
      for (const end = i + 4; i < end; )
        if (!isHex(bytes[++i])) throw new JsonError('a bad escape stands in a string', i);
    } else if (!isEscape(bytes[i])) throw new JsonError('a bad escape stands in a string', i);
  }
  throw new JsonError('a string does not end', at);
}

const encoder = new TextEncoder();
/** By their first letter. */
const literals = new Map(['true', 'false', 'null'].map((word) => [word.charCodeAt(0), encoder.encode(word)]));

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39;

function skipDigits(bytes: Uint8Array, at: number): number {
  if (!isDigit(bytes[at])) throw new JsonError('a value is missing', at);
  let i = at;
  while (isDigit(bytes[i])) i++;
  return i;
}

const isSign = (byte: number | undefined) => byte === 0x2b || byte === MINUS;
const isExponent = (byte: number | undefined) => byte === 0x45 || byte === 0x65;

function skipNumber(bytes: Uint8Array, at: number): number {
  const first = bytes[at] === MINUS ? at + 1 : at;
  let i = bytes[first] === 0x30 ? first + 1 : skipDigits(bytes, first); // no leading zeros
  if (bytes[i] === 0x2e) i = skipDigits(bytes, i + 1);
  if (isExponent(bytes[i])) i = skipDigits(bytes, isSign(bytes[i + 1]) ? i + 2 : i + 1);
  return i;
}

function skipScalar(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0;
  if (first === MINUS || isDigit(first)) return skipNumber(bytes, at);
  const word = literals.get(first);
  if (!word?.every((letter, index) => bytes[at + index] === letter)) throw new JsonError('a value is missing', at);
  return at + word.length;
}

function skipColon(bytes: Uint8Array, at: number): number {
  const i = skipSpace(bytes, at);
  if (bytes[i] !== COLON) throw new JsonError('a colon is missing', i);
  return skipSpace(bytes, i + 1);
}

const skipKey = (bytes: Uint8Array, at: number) => skipColon(bytes, skipString(bytes, at));

/** The byte after the value that begins at `at`; throws a JsonError where it is none. */
export function skipValue(bytes: Uint8Array, at: number): number {
  const closers: number[] = [];
  let i = at;
  for (;;) {
    const byte = bytes[i];
    if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) {
      const closer = byte === OPEN_OBJECT ? CLOSE_OBJECT : CLOSE_ARRAY;
      if (closers.push(closer) > MAX_DEPTH) throw new JsonError(`more than ${MAX_DEPTH} levels`, i);
      i = skipSpace(bytes, i + 1);
      if (bytes[i] !== closer) {
        if (closer === CLOSE_OBJECT) i = skipKey(bytes, i);
        continue;
      }
    } else i = byte === QUOTE ? skipString(bytes, i) : skipScalar(bytes, i);
    i = afterValue(bytes, i, closers);
    if (closers.length === 0) return i;
  }
}

/** Closes what ends here, and goes on to the next value; at the end of the outermost one, `closers` is empty. */
function afterValue(bytes: Uint8Array, at: number, closers: number[]): number {
  let i = at;
  while (closers.length > 0) {
    i = skipSpace(bytes, i);
    const closer = closers.at(-1);
    if (bytes[i] === closer) {
      closers.pop();
      i++;
    } else if (bytes[i] === COMMA) {
      i = skipSpace(bytes, i + 1);
      return closer === CLOSE_OBJECT ? skipKey(bytes, i) : i;
    } else throw new JsonError('a comma or an end is missing', i);
  }
  return i;
}

/** A member of an object, by where it stands. */
export interface Member {
  readonly key: string;
  readonly keyStart: number;
  readonly valueStart: number;
  /** After the last byte of the value. */
  readonly valueEnd: number;
}

/** More members than any request has. */
const MAX_MEMBERS = 500;

const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export const textOf = (bytes: Uint8Array): string => text.decode(bytes);

export const isObjectAt = (bytes: Uint8Array, at: number): boolean => bytes[at] === OPEN_OBJECT;

/**
 * The members of the object that begins at `at`, and where it ends. Throws a JsonError where it is none, and for a key
 * that is not UTF-8 a TypeError.
 */
export function membersAt(bytes: Uint8Array, at: number): { members: Member[]; end: number } {
  if (!isObjectAt(bytes, at)) throw new JsonError('an object is missing', at);
  const members: Member[] = [];
  let i = skipSpace(bytes, at + 1);
  if (bytes[i] === CLOSE_OBJECT) return { members, end: i + 1 };
  for (;;) {
    const keyEnd = skipString(bytes, i);
    const valueStart = skipColon(bytes, keyEnd);
    const valueEnd = skipValue(bytes, valueStart);
    const key = String(JSON.parse(textOf(bytes.subarray(i, keyEnd))));
    if (members.push({ key, keyStart: i, valueStart, valueEnd }) > MAX_MEMBERS)
      throw new JsonError(`more than ${MAX_MEMBERS} members in an object`, i);
    i = skipSpace(bytes, valueEnd);
    if (bytes[i] === CLOSE_OBJECT) return { members, end: i + 1 };
    if (bytes[i] !== COMMA) throw new JsonError('a comma or an end is missing', i);
    i = skipSpace(bytes, i + 1);
  }
}
