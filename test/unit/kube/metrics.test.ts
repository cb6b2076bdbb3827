import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { createControllerMetrics, registerLeaderMetric } from '../../../src/kube/metrics.ts';

/** The names that dashboards for controller-runtime ask for. */
const known = [
  'controller_runtime_active_workers',
  'controller_runtime_max_concurrent_reconciles',
  'controller_runtime_reconcile_errors_total',
  'controller_runtime_reconcile_panics_total',
  'controller_runtime_reconcile_time_seconds',
  'controller_runtime_reconcile_timeouts_total',
  'controller_runtime_reconcile_total',
  'controller_runtime_terminal_reconcile_errors_total',
  'workqueue_adds_total',
  'workqueue_depth',
  'workqueue_longest_running_processor_seconds',
  'workqueue_queue_duration_seconds',
  'workqueue_retries_total',
  'workqueue_unfinished_work_seconds',
  'workqueue_work_duration_seconds',
];

const series = async (registry: Registry) =>
  (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));

test('has the names that existing dashboards know, and no others', async () => {
  const registry = new Registry();
  createControllerMetrics(registry);
  expect(
    registry
      .getMetricsAsArray()
      .map(({ name }) => name)
      .sort(),
  ).toEqual(known);
});

test('counts a failure under its cause, and time in seconds', async () => {
  const registry = new Registry();
  const observer = createControllerMetrics(registry).controller('model');
  observer.reconciled({ result: 'error', durationMs: 1500, cause: 'panic' });
  observer.reconciled({ result: 'requeue', durationMs: 500 });
  expect(await series(registry)).toEqual(
    expect.arrayContaining([
      'controller_runtime_reconcile_total{controller="model",result="error"} 1',
      'controller_runtime_reconcile_total{controller="model",result="requeue"} 1',
      'controller_runtime_reconcile_errors_total{controller="model"} 1',
      'controller_runtime_reconcile_panics_total{controller="model"} 1',
      'controller_runtime_reconcile_timeouts_total{controller="model"} 0',
      'controller_runtime_reconcile_time_seconds_sum{controller="model"} 2',
    ]),
  );
});

test('reads the gauges of a queue at the time of the scrape, labelled as client-go does', async () => {
  const registry = new Registry();
  const queue = createControllerMetrics(registry).queue('model');
  let depth = 3;
  queue.bind({
    get depth() {
      return depth;
    },
    runningMs: () => [500, 2500],
  });
  const labels = '{name="model",controller="model"}';
  expect(await series(registry)).toEqual([
    `workqueue_depth${labels} 3`,
    `workqueue_unfinished_work_seconds${labels} 3`,
    `workqueue_longest_running_processor_seconds${labels} 2.5`,
  ]);
  depth = 0;
  expect(await series(registry)).toContain(`workqueue_depth${labels} 0`);
});

test('keeps several controllers apart', async () => {
  const registry = new Registry();
  const metrics = createControllerMetrics(registry);
  metrics.queue('one').added();
  metrics.queue('two').added();
  metrics.queue('two').added();
  expect(await series(registry)).toEqual(
    expect.arrayContaining([
      'workqueue_adds_total{name="one",controller="one"} 1',
      'workqueue_adds_total{name="two",controller="two"} 2',
    ]),
  );
});

test('tells who leads', async () => {
  const registry = new Registry();
  const elector = { isLeader: false };
  registerLeaderMetric(registry, 'operator', elector);
  expect(await series(registry)).toEqual(['leader_election_master_status{name="operator"} 0']);
  elector.isLeader = true;
  expect(await series(registry)).toEqual(['leader_election_master_status{name="operator"} 1']);
});
