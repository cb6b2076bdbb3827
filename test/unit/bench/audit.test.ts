import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type AuditEvent, countRequests, readAudit } from '../../bench/audit.ts';

const at = (second: number): string => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000000Z`;
const stretch = { from: Date.parse(at(10)), until: Date.parse(at(20)) };

let id = 0;
const event = (verb: string, resource: string, second: number, more: Partial<AuditEvent> = {}): AuditEvent => ({
  auditID: `id-${id++}`,
  verb,
  userAgent: 'local-model-operator/0.1.0 (node 26)',
  requestURI: `/api/v1/${resource}?fieldManager=x`,
  requestReceivedTimestamp: at(second),
  objectRef: { resource },
  responseStatus: { code: 200 },
  ...more,
});

test('counts what was received within the stretch, by verb and resource', () => {
  const status = { resource: 'localmodeldeployments', subresource: 'status' };
  const counts = countRequests(
    [
      event('patch', 'services', 9),
      event('patch', 'services', 10),
      event('patch', 'services', 15),
      event('patch', '', 16, { objectRef: status }),
      event('list', 'nodes', 20, { responseStatus: { code: 403 } }),
      event('delete', 'pods', 21),
    ],
    stretch,
  );
  expect(counts).toEqual({
    total: 4,
    writes: 3,
    leases: 0,
    discovery: 0,
    refused: 1,
    byKind: { 'patch services': 2, 'patch localmodeldeployments/status': 1, 'list nodes': 1 },
  });
});

test('counts a watch once, although its start and its end are events', () => {
  const started = event('watch', 'pods', 12, { auditID: 'one' });
  expect(countRequests([started, { ...started }], stretch).byKind).toEqual({ 'watch pods': 1 });
});

test('counts the renewals of the lease apart', () => {
  const counts = countRequests([event('update', 'leases', 12), event('get', 'leases', 13)], stretch);
  expect(counts).toMatchObject({ total: 0, writes: 0, leases: 2 });
});

test('names what is no resource by its path', () => {
  const { objectRef: _, ...version } = event('get', 'x', 12, { requestURI: '/version?timeout=1s' });
  expect(countRequests([version], stretch).byKind).toEqual({ 'get /version': 1 });
});

test('reads one client of a log whose last line is still being written', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bench-audit-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const ours = event('patch', 'services', 12);
  const lines = [
    ours,
    event('get', 'pods', 12, { userAgent: 'kubectl/1 local-model-operator/fake' }),
    event('get', 'pods', 12, { userAgent: 'kube-scheduler' }),
  ].map((line) => JSON.stringify(line));
  await writeFile(join(folder, 'audit.log'), `${lines.join('\n')}\n${JSON.stringify(ours).slice(0, 200)}`);
  expect(await readAudit(join(folder, 'audit.log'), 'local-model-operator/')).toEqual([ours]);
});
