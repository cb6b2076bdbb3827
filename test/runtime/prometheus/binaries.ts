// A real Prometheus with its promtool, and the adapter through which autoscalers ask it, built from their Go modules.
import { adapter, prometheus, promtool } from '../versions.ts';
import { lacksGo, openWorkshop, requireTools, supplyGoProgram, type WorkshopOptions } from '../workshop.ts';

export interface PrometheusBinaries {
  /** Absolute paths. */
  readonly prometheus: string;
  readonly promtool: string;
  /** prometheus-adapter. */
  readonly adapter: string;
}

/** From the cache, else built. Rejects with UnavailableError. */
export async function findPrometheus(options: WorkshopOptions): Promise<PrometheusBinaries> {
  const workshop = openWorkshop('prometheus', options);
  await requireTools('Prometheus', [prometheus, promtool, adapter], [lacksGo(prometheus.module)], workshop);
  return {
    prometheus: await supplyGoProgram(prometheus, workshop),
    promtool: await supplyGoProgram(promtool, workshop),
    adapter: await supplyGoProgram(adapter, workshop),
  };
}
