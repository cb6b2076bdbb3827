import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../../src/kube/client.ts';
import type { Transport } from '../../src/kube/transport.ts';
import type { GatewayReader } from '../../src/operator/gatewayReader.ts';
import { createApiProxyReader } from '../../src/operator/gatewayThroughApi.ts';
import { gatewayDocument } from '../unit/operator/gatewayDocument.ts';
import { pod } from '../unit/operator/observation.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';
import { answer, type FaultServer, freeze, refuse, startFaultServer } from './server.ts';
import { transportTo } from './transportTo.ts';

const path = '/api/v1/namespaces/ai/pods/http:model-1:9090/proxy/status';
const POD = pod({ revision: 'r' });
const never = new AbortController().signal;

let server: FaultServer;
let transport: Transport;
let clock: VirtualClock;
let reader: GatewayReader;

beforeEach(async () => {
  server = await startFaultServer();
  transport = transportTo(server, { maxRetries: 0 });
  clock = createVirtualClock();
  reader = createApiProxyReader({ client: createClient(transport), clock });
});

afterEach(async () => {
  await transport.close();
  await server.close();
});

const outcome = (read: Promise<unknown>): Promise<unknown> => read.catch((error) => error.reason ?? error);

test('a gateway is read through the proxy of the API server', async () => {
  server.on('GET', path, answer(gatewayDocument('r')));
  expect(await reader.read(POD, never)).toEqual(gatewayDocument('r'));
  expect(server.requests).toHaveLength(1);
});

test.each([
  ['without the right', refuse(403, 'Forbidden'), 'Forbidden'],
  ['whose pod cannot be reached', refuse(503, 'ServiceUnavailable'), 'Unreachable'],
  ['whose pod is gone', refuse(404, 'NotFound'), 'Refused'],
  ['that sends too much', answer({ words: 'x'.repeat(70_000) }), 'TooLarge'],
] as const)('one %s is not read', async (_title, handler, reason) => {
  server.on('GET', path, handler);
  expect(await outcome(reader.read(POD, never))).toBe(reason);
});

test('who lacks the right is told which', async () => {
  server.on('GET', path, refuse(403, 'Forbidden'));
  await expect(reader.read(POD, never)).rejects.toThrow(/grant get on pods\/proxy, or use --gateway-access=None/);
});

test('one that is silent is given up, and the connection to the API server stays', async () => {
  server.on('GET', path, freeze);
  server.on('GET', '/version', answer({ major: '1' }));
  await createClient(transport).raw('GET', '/version');
  const read = outcome(reader.read(POD, never));
  await clock.until(() => server.requests.length === 2);
  await clock.advance(2_000);
  expect(await read).toBe('Timeout');
  expect(clock.pending).toBe(0);
  expect(await createClient(transport).raw('GET', '/version')).toEqual({ major: '1' });
});
