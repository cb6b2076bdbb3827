// Writes a JSON object again with other members, leaving those that stay byte for byte as they were.
import type { Member } from './jsonScan.ts';

/** A member as it came, or written anew. */
export type Part = Member | { readonly key: string; readonly bytes: Uint8Array };

const encoder = new TextEncoder();

export const written = (key: string, value: unknown): Part => ({ key, bytes: encoder.encode(JSON.stringify(value)) });

/** The object with these members, in pieces: large values are not copied. `source` is where the members were found. */
export function pieces(source: Uint8Array, parts: readonly Part[]): Uint8Array[] {
  const inner = parts.flatMap((part, index) => {
    const comma = index > 0 ? ',' : '';
    return 'bytes' in part
      ? [encoder.encode(`${comma}${JSON.stringify(part.key)}:`), part.bytes]
      : [encoder.encode(comma), source.subarray(part.keyStart, part.valueEnd)];
  });
  return [encoder.encode('{'), ...inner, encoder.encode('}')];
}
