// The framing of a watch: one JSON document per line, in chunks that respect neither lines nor characters.

export interface JsonLines {
  /** The documents that are whole with this chunk. Throws SyntaxError, and RangeError where a line has no end. */
  push(chunk: Uint8Array): unknown[];
  /** What was left without a line break. Throws SyntaxError when it is half a document. */
  end(): unknown[];
}

export function jsonLines(longestLine: number): JsonLines {
  const decoder = new TextDecoder();
  // In pieces until a line ends: an object of megabytes arrives in hundreds of chunks.
  let pieces: string[] = [];
  let length = 0;

  const keep = (piece: string) => {
    length += piece.length;
    if (length > longestLine) throw new RangeError(`a line is longer than ${longestLine} characters`);
    if (piece) pieces.push(piece);
  };
  const take = (): unknown[] => {
    const line = pieces.join('');
    pieces = [];
    length = 0;
    return line.trim() ? [JSON.parse(line)] : [];
  };

  return {
    push(chunk) {
      const [rest = '', ...starts] = decoder.decode(chunk, { stream: true }).split('\n');
      keep(rest);
      return starts.flatMap((start) => {
        const documents = take();
        keep(start);
        return documents;
      });
    },
    end() {
      keep(decoder.decode());
      return take();
    },
  };
}
