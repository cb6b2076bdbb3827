// The pods of a model, as far as it matters whether somebody touched them.
import { labels } from '../../../src/api/types.ts';
import { resources } from '../../../src/kube/resources.ts';
import type { Setting } from '../test.ts';

/** What must not change: which pods there are, and how often their containers were started. */
export async function podsOf(setting: Setting, name = 'model') {
  const pods = await setting.list(resources.pod, `${labels.deployment}=${name}`);
  return pods.map(({ metadata, status }) => ({
    uid: metadata.uid,
    generation: metadata.generation,
    restarts: [...status.initContainerStatuses, ...status.containerStatuses].map(
      ({ restartCount }: { restartCount: number }) => restartCount,
    ),
  }));
}

/** Images of the gateways that run, one for each pod. */
export async function gatewayImages(setting: Setting, name = 'model'): Promise<string[]> {
  const pods = await setting.list(resources.pod, `${labels.deployment}=${name}`);
  return pods.flatMap(({ spec }) =>
    spec.initContainers
      .filter((container: { name: string }) => container.name === 'gateway')
      .map(({ image }: { image: string }) => image),
  );
}
