// node src/cli/symbols/main.ts FILE…: takes out of shared libraries what only linkers and debuggers read. Where an image is built for
// another platform than its builder's, the builder's own strip does not know the format.
import { readFile, writeFile } from 'node:fs/promises';
import { withoutSymbols } from './elf.ts';

for (const path of process.argv.slice(2)) {
  const library = await readFile(path);
  const kept = withoutSymbols(library);
  await writeFile(path, kept);
  process.stdout.write(`${path} ${library.length} → ${kept.length} bytes\n`);
}
