// Tables in docs that are printed from data: the test compares, and UPDATE_DOCS=1 writes.
import { readFileSync, writeFileSync } from 'node:fs';

export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** A formatter may widen the columns: how wide they are says nothing. */
const narrow = (table: string) => table.replace(/ +/g, ' ').replace(/-{3,}/g, '---').trim();

/** What stands between `<!-- table: name -->` and `<!-- end -->` in a page; written first when UPDATE_DOCS is set. */
export function tableIn(page: URL, name: string, wanted: string): string {
  const text = readFileSync(page, 'utf8');
  const [, before = '', found = '', after = ''] =
    new RegExp(`^([^]*<!-- table: ${name} -->\n)([^]*?)(<!-- end -->[^]*)$`).exec(text) ?? [];
  if (!before) throw new Error(`${page.pathname} has no table ${name}`);
  if (process.env.UPDATE_DOCS) writeFileSync(page, `${before}\n${wanted}\n\n${after}`);
  return process.env.UPDATE_DOCS ? wanted : narrow(found);
}
