// The table of reasons in the page about hardware, made from the code.
import { expect, it } from 'vitest';
import { rejections } from '../../../src/placement/rejections.ts';
import { markdownTable, tableIn } from '../docsTable.ts';

it('the page about hardware tells every reason for which a rung is passed over', () => {
  const rows = Object.entries(rejections).map(([reason, { because, cure }]) => [`\`${reason}\``, because, cure]);
  const wanted = markdownTable(['reason', 'because', 'what to do'], rows);
  expect(tableIn(new URL('../../../docs/hardware.md', import.meta.url), 'rejections', wanted)).toBe(wanted);
});
