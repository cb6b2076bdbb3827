// Optional APIs that are absent, arrive and go; answers that fail; permissions: over real sockets, on virtual time.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createClient } from '../../src/kube/client.ts';
import { createDiscovery, type Discovery } from '../../src/kube/discovery.ts';
import { resources } from '../../src/kube/resources.ts';
import type { Transport } from '../../src/kube/transport.ts';
import { createVirtualClock, type VirtualClock } from '../unit/virtualClock.ts';
import { type LogLine, recordLog } from './recordedLog.ts';
import { answer, type FaultServer, type Handler, refuse, startFaultServer } from './server.ts';
import { transportTo } from './transportTo.ts';

const { serviceMonitor, pod, deviceClass } = resources;
const monitoring = '/apis/monitoring.coreos.com/v1';
const reviews = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
const minute = 60_000;

let server: FaultServer;
let transport: Transport;
let clock: VirtualClock;
let discovery: Discovery;
let lines: LogLine[];
let stopping: AbortController;

beforeEach(async () => {
  server = await startFaultServer();
  transport = transportTo(server, { maxRetries: 0 });
  clock = createVirtualClock();
  stopping = new AbortController();
  const recorded = recordLog();
  lines = recorded.lines;
  discovery = createDiscovery({
    client: createClient(transport),
    resources: [serviceMonitor, pod, deviceClass],
    clock,
    random: () => 0,
    log: recorded.log,
  });
});

afterEach(async () => {
  stopping.abort();
  await transport.close();
  await server.close();
});

const serving = (...plurals: string[]): Handler =>
  answer({ kind: 'APIResourceList', resources: plurals.map((name) => ({ name })) });
const serveMonitoring = () =>
  server.on('GET', monitoring, serving('servicemonitors', 'servicemonitors/status', 'podmonitors'));
const removeMonitoring = () => server.on('GET', monitoring, refuse(404, 'NotFound'));
const asked = (path: string) => server.requests.filter((request) => request.path === path).length;

describe('optional CRD absent / appears / removed', () => {
  test('is unknown before the first answer, then present or absent, also of the core API', async () => {
    expect(discovery.has(serviceMonitor)).toBe('unknown');
    serveMonitoring();
    server.on('GET', '/api/v1', serving('pods', 'pods/status'));
    await discovery.refresh();
    expect([serviceMonitor, pod, deviceClass].map(discovery.has)).toEqual(['present', 'present', 'absent']);
    expect(discovery.has(resources.lease)).toBe('unknown');
  });

  test('an API that is served without the kind has it not', async () => {
    server.on('GET', monitoring, serving('podmonitors', 'servicemonitors/status'));
    await discovery.refresh();
    expect(discovery.has(serviceMonitor)).toBe('absent');
  });

  test('tells arrival and removal once each, until it is told to stop', async () => {
    const told: string[] = [];
    const stop = discovery.onChange(
      ({ kind }, now, before) => void (kind === 'ServiceMonitor' && told.push(`${before}→${now}`)),
    );
    await discovery.refresh();
    serveMonitoring();
    await discovery.refresh();
    await discovery.refresh();
    removeMonitoring();
    await discovery.refresh();
    stop();
    serveMonitoring();
    await discovery.refresh();
    expect(told).toEqual(['unknown→absent', 'absent→present', 'present→absent']);
    expect(discovery.has(serviceMonitor)).toBe('present');
  });

  test('notices by itself within 5 to 7.5 minutes', async () => {
    const running = discovery.start(stopping.signal);
    await clock.until(() => discovery.has(serviceMonitor) === 'absent' && asked('/version') === 1);
    serveMonitoring();
    await clock.until(() => clock.pending === 1);
    await clock.advance(5 * minute);
    await clock.until(() => discovery.has(serviceMonitor) === 'present');
    stopping.abort();
    await running;
    expect(clock.pending).toBe(0);
  });

  test('a changed CRD is looked up at once, and again until discovery has followed', async () => {
    await discovery.refresh();
    discovery.noteCrdChanged('servicemonitors.monitoring.coreos.com');
    await clock.advance(0);
    await clock.until(() => asked(monitoring) === 2);
    expect(discovery.has(serviceMonitor)).toBe('absent');
    serveMonitoring();
    await clock.advance(1_000);
    await clock.until(() => discovery.has(serviceMonitor) === 'present');
  });

  test('events about a CRD that come in a burst do not add up', async () => {
    await discovery.refresh();
    for (let event = 0; event < 20; event++) discovery.noteCrdChanged('servicemonitors.monitoring.coreos.com');
    await clock.advance(minute);
    await clock.until(() => asked(monitoring) === 6);
    expect(clock.pending).toBe(0);
  });

  test('what a CRD should bring is asked for until it is there, and no longer', async () => {
    await discovery.refresh();
    expect(discovery.has(serviceMonitor)).toBe('absent');
    discovery.noteCrdChanged('servicemonitors.monitoring.coreos.com', 'present');
    await clock.advance(0);
    await clock.until(() => asked(monitoring) === 2);
    serveMonitoring();
    await clock.advance(1_000);
    await clock.until(() => discovery.has(serviceMonitor) === 'present');
    await clock.until(() => clock.pending === 0);
    expect(asked(monitoring)).toBe(3);
    discovery.noteCrdChanged('servicemonitors.monitoring.coreos.com', 'present');
    await clock.advance(minute);
    expect(clock.pending).toBe(0);
    expect(asked(monitoring)).toBe(3);
  });

  test('CRDs that nobody asked for cost nothing', async () => {
    discovery.noteCrdChanged('certificates.cert-manager.io');
    expect(clock.pending).toBe(0);
  });

  test('stopping ends the looking up of a changed CRD and a question without an answer', async () => {
    server.on('GET', monitoring, () => undefined);
    const running = discovery.start(stopping.signal);
    await clock.until(() => asked(monitoring) === 1);
    discovery.noteCrdChanged('servicemonitors.monitoring.coreos.com');
    stopping.abort();
    await running;
    expect(clock.pending).toBe(0);
    expect(discovery.has(serviceMonitor)).toBe('unknown');
  });

  test('an answer that was overtaken by a younger one is not believed', async () => {
    let answerFirst = () => {};
    server.on(
      'GET',
      monitoring,
      (call) => {
        answerFirst = () => call.json({ kind: 'Status', code: 404, reason: 'NotFound' }, { status: 404 });
      },
      serving('servicemonitors'),
    );
    const slow = discovery.refresh();
    await clock.until(() => asked(monitoring) === 1);
    await discovery.refresh();
    answerFirst();
    await slow;
    expect(discovery.has(serviceMonitor)).toBe('present');
  });

  test('a listener that throws is logged, and the others are told', async () => {
    const told: string[] = [];
    discovery.onChange(() => {
      throw new Error('thrown');
    });
    discovery.onChange(({ kind }) => void told.push(kind));
    await discovery.refresh();
    expect(told.toSorted()).toEqual(['DeviceClass', 'Pod', 'ServiceMonitor']);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(3);
  });
});

describe('a check that fails', () => {
  test.each<[string, Handler]>([
    ['503', refuse(503, 'ServiceUnavailable')],
    ['403', refuse(403, 'Forbidden')],
    ['a cut socket', (call) => call.drop()],
    [
      'half a JSON',
      (call) => {
        const stream = call.stream();
        stream.sendRaw('{"resources":[');
        stream.end();
      },
    ],
  ])('by %s keeps the last answer: unknown is not absent', async (_, fault) => {
    server.on('GET', monitoring, fault);
    await discovery.refresh();
    expect(discovery.has(serviceMonitor)).toBe('unknown');
    serveMonitoring();
    await discovery.refresh();
    server.on('GET', monitoring, fault);
    await discovery.refresh();
    expect(discovery.has(serviceMonitor)).toBe('present');
  });
});

describe('version of the server', () => {
  test('is unknown, then compared by its minor, whatever a provider appends', async () => {
    await discovery.refresh();
    expect([discovery.version, discovery.atLeast(33)]).toEqual([undefined, undefined]);
    server.on('GET', '/version', answer({ major: '1', minor: '33+', gitVersion: 'v1.33.4-gke.1' }));
    await discovery.refresh();
    expect(discovery.version).toEqual({ major: 1, minor: 33, gitVersion: 'v1.33.4-gke.1' });
    expect([32, 33, 34].map(discovery.atLeast)).toEqual([true, true, false]);
  });

  test('stays when it cannot be had or read, and follows an upgrade', async () => {
    server.on(
      'GET',
      '/version',
      answer({ major: '1', minor: '36' }),
      refuse(503, 'ServiceUnavailable'),
      answer({ gitVersion: 'dev' }),
      answer({ major: '1', minor: '37' }),
    );
    const seen: (boolean | undefined)[] = [];
    for (let round = 0; round < 4; round++) {
      await discovery.refresh();
      seen.push(discovery.atLeast(37));
    }
    expect(seen).toEqual([false, false, false, true]);
  });
});

describe('partial RBAC', () => {
  const allow = (allowed: boolean): Handler => answer({ kind: 'SelfSubjectAccessReview', status: { allowed } }, 201);

  test('asks the API server what we may, subresources included', async () => {
    server.on('POST', reviews, allow(true), allow(false));
    expect(await discovery.canI('list', resources.node)).toBe('allowed');
    expect(await discovery.canI('patch', { ...pod, plural: 'pods/status' }, 'shop')).toBe('denied');
    expect(server.requests.map(({ body }) => (body as { spec: object }).spec)).toEqual([
      { resourceAttributes: { verb: 'list', group: '', version: 'v1', resource: 'nodes' } },
      {
        resourceAttributes: {
          verb: 'patch',
          group: '',
          version: 'v1',
          resource: 'pods',
          subresource: 'status',
          namespace: 'shop',
        },
      },
    ]);
  });

  test('remembers a yes for ten minutes, a no for one, and asks once for many who ask together', async () => {
    server.on('POST', reviews, allow(false), allow(true));
    const ask = () => discovery.canI('list', resources.node);
    expect(await Promise.all([ask(), ask(), ask()])).toEqual(['denied', 'denied', 'denied']);
    expect(asked(reviews)).toBe(1);
    await clock.advance(minute);
    expect(await ask()).toBe('allowed');
    await clock.advance(9 * minute);
    expect(await ask()).toBe('allowed');
    expect(asked(reviews)).toBe(2);
    await clock.advance(minute);
    await ask();
    expect(asked(reviews)).toBe(3);
  });

  test('keeps the last answer while the API server has none, and soon asks again', async () => {
    server.on(
      'POST',
      reviews,
      refuse(503, 'ServiceUnavailable'),
      allow(true),
      refuse(503, 'ServiceUnavailable'),
      allow(false),
    );
    const ask = () => discovery.canI('list', resources.node);
    expect(await ask()).toBe('unknown');
    await clock.advance(5_000);
    expect(await ask()).toBe('allowed');
    await clock.advance(10 * minute);
    expect(await ask()).toBe('allowed');
    await clock.advance(5_000);
    expect(await ask()).toBe('denied');
  });
});
