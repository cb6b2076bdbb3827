// The devices of a rung, as a container asks for them.
import type { ContainerResources } from '../api/defaults.ts';
import type { PodInput } from './input.ts';
import type { Container } from './pod.ts';

/**
 * CPU and memory with the devices of the choice added, requests equal to limits, as extended resources must be. An init
 * container and a container that ask for the same device get the same one: the scheduler counts the larger, not the sum.
 */
export function withDevices(
  { requests, limits }: ContainerResources,
  { rung, choice }: Pick<PodInput, 'rung' | 'choice'>,
): NonNullable<Container['resources']> {
  const devices = choice.resourceName ? { [choice.resourceName]: String(choice.count ?? 1) } : undefined;
  return {
    ...((requests || devices) && { requests: { ...requests, ...devices } }),
    ...((limits || devices) && { limits: { ...limits, ...devices } }),
    ...(rung.resourceClaims && { claims: rung.resourceClaims.map(({ name }) => ({ name })) }),
  };
}
