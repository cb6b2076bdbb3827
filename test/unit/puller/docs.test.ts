// The tables of the page about the pull, made from the code.
import { expect, it } from 'vitest';
import { outcomes } from '../../../src/puller/outcome.ts';
import { pullPhases } from '../../../src/puller/progressReport.ts';
import { markdownTable, tableIn } from '../docsTable.ts';

const page = new URL('../../../docs/pull.md', import.meta.url);
const code = (text: string | number) => `\`${text}\``;

it('tells every exit code', () => {
  const wanted = markdownTable(
    ['reason', 'exit code', 'means', 'again?'],
    Object.entries(outcomes).map(([reason, { exitCode, meaning, retry }]) => [
      code(reason),
      String(exitCode),
      meaning,
      retry,
    ]),
  );
  expect(tableIn(page, 'outcomes', wanted)).toBe(wanted);
});

it('tells every phase', () => {
  const wanted = markdownTable(
    ['phase', 'means'],
    Object.entries(pullPhases).map(([phase, meaning]) => [code(phase), meaning]),
  );
  expect(tableIn(page, 'phases', wanted)).toBe(wanted);
});
