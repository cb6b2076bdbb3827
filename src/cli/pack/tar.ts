// The little of tar that an image needs: headers that are the same whenever and by whomever they are made (POSIX ustar, and pax
// where a size or a path does not fit).

/** A folder where the name ends in a slash. */
export interface TarEntry {
  readonly name: string;
  readonly size: number;
}

const BLOCK_BYTES = 512;
/** Eleven octal digits: what a ustar header can say. */
const MAX_USTAR_SIZE = 0o77777777777;
const MAX_NAME_BYTES = 100;
const MAX_PREFIX_BYTES = 155;

/** Readable by whoever the pod runs as. */
const FILE_MODE = 0o644;
const FOLDER_MODE = 0o755;

const types = { file: '0', folder: '5', extended: 'x' } as const;

const bytesOf = (text: string): number => Buffer.byteLength(text, 'utf8');

/** Bytes that fill the last block of a file. */
export const paddingOf = (size: number): number => (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;

/** What an archive ends with. */
export const tarEnd: Uint8Array = Buffer.alloc(2 * BLOCK_BYTES);

interface Split {
  readonly prefix: string;
  readonly name: string;
}

/** A path in the two fields of a ustar header; undefined where it does not fit. The slash between them is not written. */
function split(path: string): Split | undefined {
  if (bytesOf(path) <= MAX_NAME_BYTES) return { prefix: '', name: path };
  for (let at = path.indexOf('/'); at > 0 && at < path.length - 1; at = path.indexOf('/', at + 1)) {
    const [prefix, name] = [path.slice(0, at), path.slice(at + 1)];
    if (bytesOf(prefix) > MAX_PREFIX_BYTES) return undefined;
    if (bytesOf(name) <= MAX_NAME_BYTES) return { prefix, name };
  }
  return undefined;
}

const octal = (value: number, digits: number): string => `${value.toString(8).padStart(digits, '0')}\0`;

/** Owner, group and time are zero, whoever packs. */
function block({ prefix, name }: Split, size: number, type: keyof typeof types): Buffer {
  const header = Buffer.alloc(BLOCK_BYTES);
  header.write(name, 0, MAX_NAME_BYTES, 'utf8');
  header.write(octal(type === 'folder' ? FOLDER_MODE : FILE_MODE, 7), 100, 'latin1');
  header.write(octal(0, 7), 108, 'latin1');
  header.write(octal(0, 7), 116, 'latin1');
  header.write(octal(size, 11), 124, 'latin1');
  header.write(octal(0, 11), 136, 'latin1');
  header.write(types[type], 156, 'latin1');
  header.write('ustar\x0000', 257, 'latin1');
  header.write(octal(0, 7), 329, 'latin1');
  header.write(octal(0, 7), 337, 'latin1');
  header.write(prefix, 345, MAX_PREFIX_BYTES, 'utf8');
  // The sum is taken with spaces in its own place.
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)} `, 148, 'latin1');
  return header;
}

/** `25 path=…\n`: the number counts itself too. */
function record(key: string, value: string): string {
  const rest = bytesOf(` ${key}=${value}\n`);
  let length = rest + String(rest).length;
  length = rest + String(length).length;
  return `${length} ${key}=${value}\n`;
}

/** An extended header, for the entry that follows; empty where none is needed. */
function extended(path: string, size: number): Buffer {
  const records = [
    ...(split(path) ? [] : [record('path', path)]),
    ...(size > MAX_USTAR_SIZE ? [record('size', String(size))] : []),
  ].join('');
  if (!records) return Buffer.alloc(0);
  const content = Buffer.from(records, 'utf8');
  const name = { prefix: '', name: 'pax_header' };
  return Buffer.concat([block(name, content.length, 'extended'), content, Buffer.alloc(paddingOf(content.length))]);
}

/**
 * What stands before the content of an entry: whole blocks, and always as many for names of the same length and the same
 * size, so that a name can be filled in later.
 */
export function tarHeader({ name, size }: TarEntry): Buffer {
  // Cut off where it does not fit: then the extended header has the whole.
  const fields = split(name) ?? { prefix: '', name };
  const type = name.endsWith('/') ? 'folder' : 'file';
  return Buffer.concat([extended(name, size), block(fields, size > MAX_USTAR_SIZE ? 0 : size, type)]);
}

/** Bytes of an entry with its header and padding. */
export const tarEntrySize = (entry: TarEntry): number => tarHeader(entry).length + entry.size + paddingOf(entry.size);

/** Bytes of a whole archive. */
export const tarSize = (entries: readonly TarEntry[]): number =>
  entries.reduce((sum, entry) => sum + tarEntrySize(entry), tarEnd.length);
