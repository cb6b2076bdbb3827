// Why a rung cannot be chosen now. Adding a rule is adding a name to one of the two lists.
import type { Rung } from '../api/hardware.ts';
import type { Lack } from '../runtimes/runtime.ts';
import { acceleratorOf, accelerators } from './accelerators.ts';
import type { Rejection } from './decision.ts';
import { findOffer, type PodDemands } from './offers.ts';
import { backendOf, type LadderRuntime, requestsOf, vendorOf } from './requests.ts';
import { deviceOf, listOf } from './words.ts';
import type { World } from './world.ts';

export interface Setting {
  runtime: LadderRuntime;
  pod: PodDemands;
}

type Check = (rung: Rung, setting: Setting) => Rejection | undefined;
type WorldCheck = (rung: Rung, setting: Setting & { world: World }) => Rejection | undefined;

export function reject(rung: Rung, reason: Rejection['reason'], message: string, vendor = vendorOf(rung)): Rejection {
  return { class: rung.class, ...(vendor && { vendor }), reason, message };
}

const runtimeHasBackend: Check = (rung, { runtime }) => {
  const vendor = vendorOf(rung);
  if (rung.image || backendOf(runtime, rung.class, vendor)) return undefined;
  const others = runtime.backends.flatMap((backend) => (backend.class === rung.class ? (backend.vendor ?? []) : []));
  const device = deviceOf({ class: rung.class, vendor });
  const noBackend = (what: string): Lack => ({
    reason: 'NoBackend',
    message: `${runtime.title} on Linux has no ${what}`,
  });
  const { reason, message } =
    others.length > 0
      ? noBackend(`backend for ${device}, only for ${listOf(others, 'and')}`)
      : (runtime.lacks[rung.class] ?? noBackend(`${rung.class} backend`));
  return reject(rung, reason, `${message}; give the rung an image that brings one`);
};

const resourceFitsRung: Check = (rung) => {
  const row = rung.resourceName === undefined ? undefined : acceleratorOf(rung.resourceName);
  if (!row || (row.class === rung.class && (!rung.vendor || row.vendor === rung.vendor))) return undefined;
  return reject(
    rung,
    'Unsuitable',
    `${rung.resourceName} is ${deviceOf(row)}, not ${deviceOf(rung)}; correct the rung's class, vendor or resourceName`,
  );
};

const vendorIsKnown: Check = (rung) => {
  if (rung.class === 'CPU' || !rung.vendor || rung.resourceName || rung.resourceClaims?.length) return undefined;
  const known = accelerators.flatMap((row) => (row.class === rung.class ? row.vendor : []));
  if (known.includes(rung.vendor)) return undefined;
  return reject(
    rung,
    'Unsuitable',
    `no resource of ${deviceOf(rung)} is known (known: ${listOf(known, 'and')}); give the rung its resourceName or resourceClaims`,
  );
};

const claimsCanBeHad: WorldCheck = (rung, { world: { deviceClasses } }) => {
  if (!rung.resourceClaims?.length || deviceClasses === 'forbidden') return undefined;
  if (deviceClasses === 'absent')
    return reject(
      rung,
      'NotOffered',
      'the cluster does not serve resource.k8s.io, which resourceClaims need; use resourceName, or Kubernetes 1.34 or later',
    );
  if (deviceClasses.length > 0) return undefined;
  return reject(
    rung,
    'NotOffered',
    "there is no DeviceClass, which resourceClaims need; install the vendor's DRA driver",
  );
};

const resourceIsOffered: WorldCheck = (rung, { runtime, pod, world }) => {
  if (rung.class === 'CPU' || rung.resourceClaims?.length) return undefined;
  const offer = findOffer(requestsOf(rung, runtime), rung, pod, world);
  return offer.kind === 'missing' ? reject(rung, 'NotOffered', `${offer.what}; ${offer.cure}`) : undefined;
};

/** What only the user can mend: known from the rung and the runtime alone. */
const specChecks: readonly Check[] = [runtimeHasBackend, resourceFitsRung, vendorIsKnown];

/** What the cluster may come to offer. */
const worldChecks: readonly WorldCheck[] = [claimsCanBeHad, resourceIsOffered];

function first<T>(checks: readonly ((rung: Rung, input: T) => Rejection | undefined)[], rung: Rung, input: T) {
  for (const check of checks) {
    const rejection = check(rung, input);
    if (rejection) return rejection;
  }
  return undefined;
}

export const specRejection = (rung: Rung, setting: Setting) => first(specChecks, rung, setting);
export const worldRejection = (rung: Rung, setting: Setting & { world: World }) => first(worldChecks, rung, setting);
