// JSON as Go's encoding/json writes it, which is what Ollama hashes: keys of maps sorted, <, > and & escaped, a newline at the end.

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

const escapes: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
  '\u2028': '\\u2028',
  '\u2029': '\\u2029',
};

/** Lone surrogates are no UTF-8: Go writes the replacement character for them. */
const text = (value: string): string =>
  JSON.stringify(value.toWellFormed()).replace(/[<>&\u2028\u2029]/g, (letter) => escapes[letter] ?? letter);

function write(value: Json): string {
  if (typeof value === 'string') return text(value);
  if (Array.isArray(value)) return `[${value.map(write).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).flatMap(([key, member]) =>
    member === undefined ? [] : `${text(key)}:${write(member)}`,
  );
  return `{${members.join(',')}}`;
}

/** Of a struct: members in the order given, `undefined` ones left out. */
export const goJson = (value: Json): Buffer => Buffer.from(`${write(value)}\n`, 'utf8');

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** Copies with the keys of all objects in Go's order, that of their bytes: for what Go holds as a map. */
export function sortedKeys(value: Json): Json {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => byBytes(a, b));
  return Object.fromEntries(
    entries.map(([key, member]) => [key, member === undefined ? undefined : sortedKeys(member)]),
  );
}
