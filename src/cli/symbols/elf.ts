// What of a shared library the loader needs, for whatever platform the library is.

/** ELF for 64 bits, least byte first, as Linux has it on amd64 and arm64: where its header says what (System V ABI, chapter 4). */
const MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1]);
const header = {
  segments: 0x20,
  sections: 0x28,
  segmentSize: 0x36,
  segmentCount: 0x38,
  sectionCount: 0x3c,
  names: 0x3e,
};
const segment = { offset: 0x08, sizeInFile: 0x20 };

/**
 * The library up to the end of its last segment. The loader maps segments and reads nothing else; symbols and the words of debuggers
 * lie in sections behind them, the table of which would now lead nowhere and so is taken out of the header. Throws for another format.
 */
export function withoutSymbols(library: Buffer): Buffer {
  if (!library.subarray(0, MAGIC.length).equals(MAGIC)) throw new Error('not an ELF file of 64 bits, least byte first');
  const first = Number(library.readBigUInt64LE(header.segments));
  const size = library.readUInt16LE(header.segmentSize);
  const count = library.readUInt16LE(header.segmentCount);
  const ends = Array.from({ length: count }, (_, index) => first + index * size).map(
    (at) =>
      Number(library.readBigUInt64LE(at + segment.offset)) + Number(library.readBigUInt64LE(at + segment.sizeInFile)),
  );
  const kept = Buffer.from(library.subarray(0, Math.max(first + count * size, ...ends)));
  kept.writeBigUInt64LE(0n, header.sections);
  kept.writeUInt16LE(0, header.sectionCount);
  kept.writeUInt16LE(0, header.names);
  return kept;
}
