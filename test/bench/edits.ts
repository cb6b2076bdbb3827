// Single edits: how long from a user's change of a deployment until its child shows it in a watch.
import { fieldManagers, localModelDeployments, type StoredDeployment } from '../../src/api/types.ts';
import type { Client } from '../../src/kube/client.ts';
import { resources } from '../../src/kube/resources.ts';
import { apiVersionOf, type KubeObject } from '../../src/kube/types.ts';
import type { Sighting, Spectator } from './spectator.ts';

/** An annotation that the user gives to the Service: it changes one child and no pod. */
const mark = 'bench.localmodels.dev/edit';

const PATIENCE_MS = 60_000;

const bodyOf = (namespace: string, name: string, value: string) => ({
  apiVersion: apiVersionOf(localModelDeployments),
  kind: localModelDeployments.kind,
  metadata: { namespace, name },
  spec: { network: { service: { annotations: { [mark]: value } } } },
});

/** Edits one deployment after the other; resolves with milliseconds from sending the edit to seeing the child changed. */
export async function timeEdits(
  client: Client,
  spectator: Spectator,
  deployments: readonly { namespace: string; name: string }[],
): Promise<number[]> {
  const latencies: number[] = [];
  for (const [index, { namespace, name }] of deployments.entries()) {
    const value = String(index);
    const seen = sightingOf(
      spectator,
      ({ kind, object }) =>
        kind === 'Service' && object.metadata.name === name && object.metadata.annotations?.[mark] === value,
    );
    const sentAt = performance.now();
    await client.apply(localModelDeployments, bodyOf(namespace, name, value), { fieldManager: 'bench-user' });
    latencies.push((await seen) - sentAt);
  }
  return latencies;
}

/** Resolves with the monotonic time of the first sighting that `is` one. */
function sightingOf(spectator: Spectator, is: (sighting: Sighting) => boolean): Promise<number> {
  let found = false;
  const stop = spectator.onSighting((sighting) => {
    found ||= is(sighting);
  });
  return spectator.until('the edit reaches the child', () => found, PATIENCE_MS).finally(stop);
}

/** The floor of an edit: whoever sees it in a watch applies the whole Service at once. Returns how to stop, which tells what failed. */
export function answerEdits(
  client: Client,
  spectator: Spectator,
  serviceFor: (deployment: StoredDeployment) => KubeObject,
): () => Promise<void> {
  const answers: Promise<unknown>[] = [];
  const stop = spectator.onSighting(({ kind, object }) => {
    if (kind !== localModelDeployments.kind) return;
    const deployment = object as StoredDeployment;
    const { network } = deployment.spec as { network?: { service?: { annotations?: Record<string, string> } } };
    const value = network?.service?.annotations?.[mark];
    if (value === undefined) return;
    const service = serviceFor(deployment);
    const metadata = { ...service.metadata, annotations: { ...service.metadata.annotations, [mark]: value } };
    const answer = client.apply(resources.service, { ...service, metadata }, { fieldManager: fieldManagers.children });
    answer.catch(() => undefined);
    answers.push(answer);
  });
  return async () => {
    stop();
    await Promise.all(answers);
  };
}
