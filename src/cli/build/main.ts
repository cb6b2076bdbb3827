// npm run build: the bundles that the images carry, in dist/.
import { rm, stat } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { bundle } from './bundle.ts';

const root = resolve(import.meta.dirname, '../../..');
const folder = resolve(root, 'dist');

await rm(folder, { recursive: true, force: true });
for (const path of Object.values(await bundle(root, folder))) {
  const { size } = await stat(path);
  process.stdout.write(`${relative(root, path)} ${(size / 2 ** 20).toFixed(1)} MiB\n`);
}
