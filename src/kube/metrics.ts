// The metrics of controllers, queues and leader election, under the names and labels that dashboards made for controller-runtime know.
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { ControllerObserver, Reconciled } from './outcome.ts';
import type { QueueObserver, QueueState } from './queue.ts';

/** From a millisecond to the longest backoff. controller-runtime's finer buckets tell nothing about an event loop. */
const secondsBuckets = [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export interface ControllerMetrics {
  /** What the queue of controller `name` reports to. */
  queue(name: string): QueueObserver;
  /** What the controller `name` reports to. */
  controller(name: string): ControllerObserver;
}

/** Registers the metrics, once per registry. Their labels are the few names of our controllers and the fixed results. */
export function createControllerMetrics(registry: Registry): ControllerMetrics {
  return { queue: queueMetrics(registry), controller: reconcileMetrics(registry) };
}

function queueMetrics(registry: Registry): ControllerMetrics['queue'] {
  const states = new Map<string, QueueState>();
  const common = { labelNames: ['name', 'controller'] as const, registers: [registry] };

  const gauge = (name: string, help: string, read: (state: QueueState) => number) =>
    new Gauge({
      ...common,
      name,
      help,
      collect() {
        for (const [queue, state] of states) this.set({ name: queue, controller: queue }, read(state));
      },
    });
  gauge('workqueue_depth', 'Keys that wait in the queue', ({ depth }) => depth);
  gauge('workqueue_unfinished_work_seconds', 'Seconds of work in progress, summed over the keys', (state) =>
    state.runningMs().reduce((sum, ms) => sum + ms / 1000, 0),
  );
  gauge('workqueue_longest_running_processor_seconds', 'Seconds that the longest work in progress has taken', (state) =>
    state.runningMs().reduce((longest, ms) => Math.max(longest, ms / 1000), 0),
  );

  const adds = new Counter({ ...common, name: 'workqueue_adds_total', help: 'Keys added to the queue' });
  const retries = new Counter({ ...common, name: 'workqueue_retries_total', help: 'Keys added again after a failure' });
  const timed = { ...common, buckets: secondsBuckets };
  const waited = new Histogram({
    ...timed,
    name: 'workqueue_queue_duration_seconds',
    help: 'Seconds that a key waits before a worker takes it',
  });
  const worked = new Histogram({
    ...timed,
    name: 'workqueue_work_duration_seconds',
    help: 'Seconds that the work on a key takes',
  });

  return (name) => {
    const labels = { name, controller: name };
    return {
      bind: (state) => void states.set(name, state),
      added: () => adds.inc(labels),
      retried: () => retries.inc(labels),
      taken: (ms) => waited.observe(labels, ms / 1000),
      finished: (ms) => worked.observe(labels, ms / 1000),
    };
  };
}

function reconcileMetrics(registry: Registry): ControllerMetrics['controller'] {
  const states = new Map<string, { readonly workers: number; readonly active: number }>();
  const common = { labelNames: ['controller'] as const, registers: [registry] };
  const counter = (name: string, help: string) =>
    new Counter({ ...common, name: `controller_runtime_${name}_total`, help });

  const total = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciles by result',
    labelNames: ['controller', 'result'] as const,
    registers: [registry],
  });
  const errors = counter('reconcile_errors', 'Reconciles that failed');
  const causes = {
    terminal: counter('terminal_reconcile_errors', 'Reconciles that failed for good'),
    panic: counter('reconcile_panics', 'Reconciles that threw what nobody expected'),
    timeout: counter('reconcile_timeouts', 'Reconciles that ran past their deadline'),
  } satisfies Record<NonNullable<Reconciled['cause']>, unknown>;
  const time = new Histogram({
    ...common,
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'Seconds that a reconcile takes',
    buckets: secondsBuckets,
  });
  const gauge = (name: string, help: string, of: 'workers' | 'active') =>
    new Gauge({
      ...common,
      name: `controller_runtime_${name}`,
      help,
      collect() {
        for (const [controller, state] of states) this.set({ controller }, state[of]);
      },
    });
  gauge('active_workers', 'Workers that reconcile now', 'active');
  gauge('max_concurrent_reconciles', 'Workers there are', 'workers');

  return (name) => {
    const labels = { controller: name };
    // Series that exist from the start: a rate over a counter that appears with its first error misses that error.
    for (const metric of [errors, ...Object.values(causes)]) metric.inc(labels, 0);
    return {
      bind: (state) => void states.set(name, state),
      reconciled({ result, durationMs, cause }) {
        total.inc({ ...labels, result });
        time.observe(labels, durationMs / 1000);
        if (result === 'error') errors.inc(labels);
        if (cause) causes[cause].inc(labels);
      },
    };
  };
}

/** `leader_election_master_status`: 1 while this process leads under the Lease `name`. */
export function registerLeaderMetric(registry: Registry, name: string, elector: { readonly isLeader: boolean }): void {
  new Gauge({
    name: 'leader_election_master_status',
    help: 'Whether this process leads',
    labelNames: ['name'] as const,
    registers: [registry],
    collect() {
      this.set({ name }, elector.isLeader ? 1 : 0);
    },
  });
}
