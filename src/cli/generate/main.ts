// npm run generate: writes every file that is made from src, or with --check says which of them have drifted.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { drifted } from './drift.ts';
import { outputs } from './outputs.ts';

const help = `Writes the files that are made from src: CRD, reference pages, the generated half of the chart, plain YAML.

  npm run generate             writes them
  npm run generate -- --check  writes nothing; exits with 1 and names the files that differ
`;

const root = resolve(import.meta.dirname, '../../..');
const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function write(): Promise<void> {
  for (const { path, render } of outputs) {
    const file = join(root, path);
    const content = render();
    if ((await readFile(file, 'utf8').catch(() => '')) === content) continue;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, content);
    print(`wrote ${path}`);
  }
}

async function check(): Promise<void> {
  const paths = await drifted(root, outputs);
  for (const path of paths) print(`${path} differs from what src makes; run npm run generate`);
  if (paths.length > 0) process.exitCode = 1;
}

const { values } = parseArgs({
  options: { check: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } },
});
if (values.help) print(help);
else await (values.check ? check() : write());
