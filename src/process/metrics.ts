// The registry of a process's metrics, with those of Node itself.
import { collectDefaultMetrics, Registry } from 'prom-client';

/**
 * Precision of the event loop histogram (nodejs_eventloop_lag_p99_seconds …), which is also the least that it shows.
 * It wakes the process that often: measured 0.7 % of a core when idle at prom-client's default of 10 ms, 0.1 % at 100 ms.
 * What hurts us is a loop that stands still for seconds, because then a lease is lost.
 */
const eventLoopPrecisionMs = 50;

/**
 * A registry; `node` adds the metrics of process and event loop (`process_*`, `nodejs_*`), which cost about 4 MiB and 2 ms
 * per scrape.
 */
export function createRegistry({ node }: { node: boolean }): Registry {
  const registry = new Registry();
  if (node) collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: eventLoopPrecisionMs });
  return registry;
}
