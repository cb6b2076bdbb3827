// The ways in which the device of a rung can be had, best first: what to ask the cluster for.
import type { DeviceClass, Rung } from '../api/hardware.ts';
import type { Runtime } from '../runtimes/runtime.ts';
import { type Accelerator, acceleratorOf, accelerators } from './accelerators.ts';
import type { Choice, Toleration } from './decision.ts';

/** What the ladder must know of a runtime. */
export type LadderRuntime = Pick<Runtime, 'title' | 'backends' | 'lacks'>;

export interface Request {
  vendor?: string;
  /** Absent on a CPU rung and with claims. */
  resourceName?: string;
  count?: number;
  nodeSelector: Record<string, string>;
  tolerations: readonly Toleration[];
}

/** The vendor that a rung names, outright or by its resource. */
export const vendorOf = ({ vendor, resourceName }: Rung): string | undefined =>
  vendor ?? (resourceName === undefined ? undefined : acceleratorOf(resourceName)?.vendor);

/** The runtime's backend for a device; without a vendor, any of the class will do. */
export const backendOf = ({ backends }: LadderRuntime, deviceClass: DeviceClass, vendor?: string) =>
  backends.find((backend) => backend.class === deviceClass && (!vendor || backend.vendor === vendor));

/** A rung's own image is the user's word that it has a backend, on whatever architecture. */
const isRunnable = (rung: Rung, runtime: LadderRuntime, vendor?: string) =>
  rung.image !== undefined || backendOf(runtime, rung.class, vendor) !== undefined;

function requestFor(rung: Rung, runtime: LadderRuntime, vendor?: string): Request {
  const arch = rung.image ? undefined : backendOf(runtime, rung.class, vendor)?.arch;
  return {
    ...(vendor && { vendor }),
    nodeSelector: vendor && arch ? { 'kubernetes.io/arch': arch } : {},
    tolerations: [],
  };
}

const rowRequests = (rung: Rung, runtime: LadderRuntime, { vendor, resources, tolerations }: Accelerator): Request[] =>
  resources.map((resourceName) => ({
    ...requestFor(rung, runtime, vendor),
    resourceName,
    count: rung.count ?? 1,
    tolerations,
  }));

/** Empty only where a rung asks for a device that no row of the vendor table and no field of the rung names. */
export function requestsOf(rung: Rung, runtime: LadderRuntime): Request[] {
  const vendor = vendorOf(rung);
  if (rung.class === 'CPU' || rung.resourceClaims?.length) return [requestFor(rung, runtime, vendor)];
  if (rung.resourceName) {
    const { resourceName, count = 1 } = rung;
    const tolerations = acceleratorOf(resourceName)?.tolerations ?? [];
    return [{ ...requestFor(rung, runtime, vendor), resourceName, count, tolerations }];
  }
  return accelerators
    .filter((row) => row.class === rung.class && (!vendor || row.vendor === vendor))
    .filter((row) => isRunnable(rung, runtime, row.vendor))
    .flatMap((row) => rowRequests(rung, runtime, row));
}

export const choiceOf = (index: number, rung: Rung, request: Request): Choice => ({
  rung: index,
  class: rung.class,
  ...(request.vendor && { vendor: request.vendor }),
  ...(request.resourceName && { resourceName: request.resourceName }),
  ...(request.count && { count: request.count }),
  ...(Object.keys(request.nodeSelector).length > 0 && { nodeSelector: request.nodeSelector }),
  ...(request.tolerations.length > 0 && { tolerations: [...request.tolerations] }),
});
