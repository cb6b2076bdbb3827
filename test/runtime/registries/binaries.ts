// Registries that are not ours: go-containerregistry's and Distribution's, built from their Go modules.
import { distribution, gcr } from '../versions.ts';
import { lacksGo, openWorkshop, requireTools, supplyGoProgram, type WorkshopOptions } from '../workshop.ts';

export interface RegistryBinaries {
  /** Absolute paths. */
  readonly gcr: string;
  readonly distribution: string;
}

/** From the cache, else built. Rejects with UnavailableError. */
export async function findRegistries(options: WorkshopOptions): Promise<RegistryBinaries> {
  const workshop = openWorkshop('registries', options);
  await requireTools('A registry to test with', [gcr, distribution], [lacksGo(gcr.module)], workshop);
  return {
    gcr: await supplyGoProgram(gcr, workshop),
    distribution: await supplyGoProgram(distribution, workshop),
  };
}
