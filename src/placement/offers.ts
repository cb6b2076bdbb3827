// Whether the cluster offers what a rung asks for, and if not, what is missing: for people.
import type { Rung } from '../api/hardware.ts';
import { unitsOf } from '../kube/quantity.ts';
import { accelerators, isPartOf } from './accelerators.ts';
import type { Toleration } from './decision.ts';
import type { Request } from './requests.ts';
import { clip, listOf, nodeCount } from './words.ts';
import type { NodeFacts, World } from './world.ts';

/** Where the pods of a deployment may go on any rung. */
export interface PodDemands {
  nodeSelector?: Record<string, string> | undefined;
  tolerations?: readonly Toleration[] | undefined;
}

export type Offer =
  | { kind: 'offered'; request: Request }
  /** Some of the world may not be read, and what may be read does not offer it. */
  | { kind: 'unknown' }
  | { kind: 'missing'; what: string; cure: string };

/** A comparison (Lt, Gt) is the scheduler's to judge: here it may only err on the side of trying. */
function tolerates({ key, operator = 'Equal', value, effect }: Toleration, taint: NodeFacts['taints'][number]) {
  if (effect && effect !== taint.effect) return false;
  if (!key) return operator === 'Exists';
  return key === taint.key && (operator !== 'Equal' || (value ?? '') === (taint.value ?? ''));
}

/**
 * Taints that keep pods away for good. Those of kubelet and controllers (node.kubernetes.io/unschedulable, not-ready …) come
 * and go: a decision outlives a cordon or a reboot, so it must not be made by one.
 */
const repels = (tolerations: readonly Toleration[]) => (taint: NodeFacts['taints'][number]) =>
  taint.effect !== 'PreferNoSchedule' &&
  !taint.key.startsWith('node.kubernetes.io/') &&
  !tolerations.some((toleration) => tolerates(toleration, taint));

const amountOn = ({ allocatable }: NodeFacts, resourceName: string) => unitsOf(allocatable[resourceName] ?? 0);

interface Shortfall {
  /** Nodes that offer the resource at all. */
  offering: number;
  what: string;
  cure: string;
}

/** What keeps every node from taking a pod with this request; undefined if one can. */
function shortfallOf(request: Request, nodes: readonly NodeFacts[], rung: Rung, pod: PodDemands) {
  const { resourceName = '', count = 1 } = request;
  const offering = nodes.filter((node) => amountOn(node, resourceName) > 0);
  const miss = (what: string, cure: string): Shortfall => ({ offering: offering.length, what, cure });
  const offers = `${nodeCount(offering)} ${offering.length === 1 ? 'offers' : 'offer'} ${resourceName} but`;
  if (offering.length === 0)
    return miss(
      `no node offers ${resourceName}`,
      "install the vendor's device plugin, or set whenAbsent: Wait if nodes with it are made on demand",
    );

  const selector = Object.entries({ ...request.nodeSelector, ...pod.nodeSelector, ...rung.nodeSelector });
  const labelled = offering.filter(({ labels }) => selector.every(([key, value]) => labels[key] === value));
  if (labelled.length === 0)
    return miss(
      `${offers} none has the labels ${clip(selector.map((pair) => pair.join('=')).join(','), 200)}`,
      'change nodeSelector, or label a node',
    );

  const tolerations = [...request.tolerations, ...(pod.tolerations ?? []), ...(rung.tolerations ?? [])];
  const open = labelled.filter(({ taints }) => !taints.some(repels(tolerations)));
  const taint = labelled[0]?.taints.find(repels(tolerations));
  if (open.length === 0)
    return miss(
      `${offers} none can be entered: ${labelled[0]?.name} has the taint ${taint?.key}${taint?.value ? `=${taint.value}` : ''}:${taint?.effect}`,
      'add a toleration to the rung',
    );

  const most = Math.max(...open.map((node) => amountOn(node, resourceName)));
  if (most < count)
    return miss(`${offers} none has ${count} of them (${most} at most)`, 'lower count, or add a larger node');
  return undefined;
}

/** KEP-5004: a DeviceClass stands for the extended resource that it names, and for one that is made from its own name. */
const classOffers = (resourceName: string, { deviceClasses }: World) =>
  Array.isArray(deviceClasses) &&
  deviceClasses.some(
    ({ name, extendedResourceName }) =>
      extendedResourceName === resourceName || resourceName === `deviceclass.resource.kubernetes.io/${name}`,
  );

/** A part of a device that nodes do offer, which the user may want instead. */
function partHint(requests: readonly Request[], nodes: readonly NodeFacts[]): string {
  const asked = accelerators.filter((row) =>
    requests.some(({ resourceName = '' }) => row.resources.includes(resourceName)),
  );
  const parts = new Set(
    nodes.flatMap((node) => Object.keys(node.allocatable).filter((name) => asked.some((row) => isPartOf(row, name)))),
  );
  return parts.size === 0
    ? ''
    : `; parts of a device are there: set resourceName to ${listOf([...parts].sort(), 'or')}`;
}

/**
 * The first request that the cluster can meet. How many devices a DeviceClass stands for is not looked into: that is the
 * scheduler's to find out.
 */
export function findOffer(requests: readonly Request[], rung: Rung, pod: PodDemands, world: World): Offer {
  const { nodes } = world;
  if (nodes === 'forbidden') return { kind: 'unknown' };
  const misses: Shortfall[] = [];
  for (const request of requests) {
    const shortfall = shortfallOf(request, nodes, rung, pod);
    if (!shortfall || classOffers(request.resourceName ?? '', world)) return { kind: 'offered', request };
    misses.push(shortfall);
  }
  if (world.deviceClasses === 'forbidden') return { kind: 'unknown' };
  const near = misses.filter(({ offering }) => offering > 0);
  const names = requests.flatMap(({ resourceName }) => resourceName ?? []);
  const what = near.length ? near.map((miss) => miss.what).join('; ') : `no node offers ${listOf(names, 'or')}`;
  return { kind: 'missing', what: what + partHint(requests, nodes), cure: (near[0] ?? misses[0])?.cure ?? '' };
}
