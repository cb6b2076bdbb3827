// Tokens of tiny models: every byte, so that any text can be told to them, and a few words.

/** The printable character by which byte-level BPE writes a byte (GPT-2's table). */
export function byteCharacters(): string[] {
  const printable = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let strangers = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(printable(byte) ? byte : 256 + strangers++));
}

/** A word as byte-level BPE writes it: a space is Ġ. */
export function bpeWord(word: string): string {
  const characters = byteCharacters();
  return [...Buffer.from(word)].map((byte) => characters[byte]).join('');
}

export const tokenTypes = { normal: 1, unknown: 2, control: 3 } as const;
