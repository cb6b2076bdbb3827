// The tables of docs/gateway.md are those of the code.
import { expect, test } from 'vitest';
import { gatewayErrors } from '../../../src/gateway/errors.ts';
import { reasons } from '../../../src/gateway/reasons.ts';
import { refused, routes } from '../../../src/gateway/routes.ts';
import { markdownTable, tableIn } from '../docsTable.ts';

const page = new URL('../../../docs/gateway.md', import.meta.url);
const code = (text: string) => `\`${text}\``;

const runtimesOf = ({ runtimes, kind }: (typeof routes)[number]) =>
  runtimes.join(', ') + (kind ? ', embedding models only' : '');

const handlings: Readonly<Record<string, string>> = {
  Work: 'the runtime, in turn',
  Light: 'the runtime, at once',
};

const tables = {
  routes: markdownTable(
    ['family', 'route', 'runtime', 'answered by'],
    routes.map((route) => [
      route.family,
      code(`${route.methods.join('|')} ${route.path}`).replaceAll('|', '\\|'),
      runtimesOf(route),
      handlings[route.handling] ?? 'the gateway',
    ]),
  ),
  refused: markdownTable(
    ['path', 'why'],
    refused.map(({ path, why }) => [code(path), why]),
  ),
  errors: markdownTable(
    ['status', 'code', 'when'],
    Object.values(gatewayErrors).map(({ status, code: name, meaning }) => [String(status), code(name), meaning]),
  ),
  reasons: markdownTable(
    ['phase', 'reason', 'meaning'],
    Object.entries(reasons).map(([reason, { phase, meaning }]) => [phase, code(reason), meaning]),
  ),
};

test.each(Object.entries(tables))('the page shows the table of %s', (name, wanted) => {
  expect(tableIn(page, name, wanted)).toBe(wanted);
});
