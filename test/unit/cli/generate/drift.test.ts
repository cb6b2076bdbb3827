import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { drifted } from '../../../../src/cli/generate/drift.ts';
import { outputs } from '../../../../src/cli/generate/outputs.ts';

const root = resolve(import.meta.dirname, '../../../..');

describe('generated files', () => {
  it('are what src makes now: npm run generate', async () => {
    expect(await drifted(root, outputs)).toEqual([]);
  });

  it('are the same each time they are made', () => {
    for (const { render } of outputs) expect(render()).toBe(render());
  });

  it('say where they come from', () => {
    for (const { path, render } of outputs) expect(render(), path).toContain('by `npm run generate`; do not edit.');
  });
});

describe('drifted', () => {
  it('names what is missing and what differs', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'drift-'));
    try {
      const file = (path: string, content: string) => ({ path, render: () => content });
      await writeFile(join(folder, 'same'), 'a\n');
      await writeFile(join(folder, 'edited'), 'b\n');
      expect(await drifted(folder, [file('same', 'a\n'), file('edited', 'a\n'), file('missing', 'a\n')])).toEqual([
        'edited',
        'missing',
      ]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
