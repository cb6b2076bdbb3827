import { describe, expect, it } from 'vitest';
import { gatewayProbes, runtimeProbes, waitForDrain } from '../../../src/children/probes.ts';
import { adminRoutes } from '../../../src/gateway/admin.ts';
import { createDrainWatch } from '../../../src/gateway/drain.ts';
import { readStatus } from '../../../src/gateway/status.ts';
import { statusOf } from '../../../src/gateway/statusReport.ts';
import { createTruth } from '../../../src/gateway/truth.ts';
import { silentLogger } from '../../../src/process/logger.ts';
import { createVirtualClock } from '../virtualClock.ts';
import { testConfig } from './config.ts';
import { becomesServing, cpuRules, target } from './pod.ts';

function answering() {
  const clock = createVirtualClock();
  const truth = createTruth({ rules: cpuRules, clock, log: silentLogger });
  const drain = createDrainWatch({ truth, clock, inFlight: () => 0 });
  const requests = { inFlight: 0, queued: 0, total: 0 };
  const status = () =>
    statusOf({
      config: testConfig(),
      state: truth.state,
      version: '0.1.0',
      monotonicNow: clock.monotonic(),
      wallNow: clock.now(),
      requests,
    });
  const port = { isOpen: true };
  const routes = adminRoutes({ truth, clock, drain, opened: () => port.isOpen, status });
  const get = async (path: string) => (await routes[path]?.()) ?? { status: 404, body: '' };
  const serve = () => {
    for (const seen of becomesServing) truth.observe(seen);
  };
  return { clock, truth, port, routes, get, serve };
}

describe('the admin port', () => {
  it('has every path that the kubelet is told to ask for', () => {
    const { routes } = answering();
    const probes = [...Object.values(gatewayProbes), ...Object.values(runtimeProbes(600)), waitForDrain];
    for (const { httpGet } of probes) expect(Object.keys(routes)).toContain(httpGet.path);
  });

  it('is started and alive from the first second, and ready when the model is served', async () => {
    const { get, serve } = answering();
    const statuses = async () =>
      Promise.all(['/startupz', '/livez', '/readyz'].map(async (path) => (await get(path)).status));
    expect(await statuses()).toEqual([200, 200, 503]);
    expect((await get('/readyz')).body).toMatch(/^Pulling: .+\n$/);
    serve();
    expect(await statuses()).toEqual([200, 200, 200]);
    expect((await get('/runtime/readyz')).body).toBe('Serving: tiny:latest answers\n');
  });

  it('is not ready before the port of clients is open, though the model may be', async () => {
    const { port, get, serve } = answering();
    port.isOpen = false;
    serve();
    expect(await get('/readyz')).toEqual({ status: 503, body: 'Starting: the port of clients is not open yet\n' });
    expect((await get('/runtime/readyz')).status).toBe(503);
    port.isOpen = true;
    expect((await get('/readyz')).status).toBe(200);
  });

  it('tells the operator in the words of the contract', async () => {
    const { get, serve } = answering();
    serve();
    const { status, body, contentType } = await get('/status');
    expect({ status, contentType }).toEqual({ status: 200, contentType: 'application/json; charset=utf-8' });
    expect(readStatus(JSON.parse(body))).toMatchObject({
      phase: 'Serving',
      ready: true,
      model: { loadedName: target.name },
    });
  });

  it('answers main’s preStop once there is an answer', async () => {
    const { get, clock } = answering();
    let answer: unknown;
    void get('/drained').then((given) => {
      answer = given;
    });
    await clock.advance(4000);
    expect(answer).toBeUndefined();
    await clock.advance(2000);
    expect(answer).toEqual({ status: 200, body: 'no drain was begun\n' });
  });
});
