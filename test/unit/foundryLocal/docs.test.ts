// The tables of the page about Foundry Local, made from the code.
import { expect, it } from 'vitest';
import { exits } from '../../../src/foundryLocal/exits.ts';
import { helpText } from '../../../src/foundryLocal/help.ts';
import { markdownTable, tableIn } from '../docsTable.ts';

it('tells every exit code of the server', () => {
  const rows = Object.entries(exits).map(([reason, { exitCode, meaning }]) => [
    `${exitCode}`,
    `\`${reason}\``,
    meaning,
  ]);
  const wanted = markdownTable(['exit code', 'reason', 'means'], rows);
  expect(tableIn(new URL('../../../docs/foundry-local.md', import.meta.url), 'exits', wanted)).toBe(wanted);
});

it('--help tells them too', () => {
  for (const [reason, { exitCode }] of Object.entries(exits)) expect(helpText()).toContain(`${exitCode}  ${reason}: `);
});
