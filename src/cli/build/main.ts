// npm run build: the bundles that the images carry, in dist/.
import { rm, stat, writeFile } from 'node:fs/promises';
import { join, relative, resolve } from 'node:path';
import { bundle } from './bundle.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = resolve(root, 'dist');

await rm(folder, { recursive: true, force: true });
for (const path of Object.values(await bundle(root, folder))) {
  const { size } = await stat(path);
  process.stdout.write(`${relative(root, path)} ${(size / 2 ** 20).toFixed(1)} MiB\n`);
}
// Without it Node would read each file twice to find out that it is a module.
await writeFile(join(folder, 'package.json'), '{"type":"module"}\n');
