// The floor: a plain writer of what is necessary. It decides nothing, compares nothing and remembers nothing.
import { labels, type StoredDeployment } from '../../src/api/types.ts';
import { resourceOf } from '../../src/kube/resources.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { type Owner, ownerOf, type Pattern, pendingStatus, renamed } from './copies.ts';
import type { Lab } from './lab.ts';
import type { Spectator } from './spectator.ts';
import { createWorkers } from './workers.ts';

export interface Floor {
  /** To be told of each deployment that was made. */
  take(deployment: StoredDeployment): void;
  /** Resolves when everything is written for so many deployments. */
  done(deployments: number): Promise<void>;
}

export interface FloorOptions {
  lab: Pick<Lab, 'client' | 'replaceStatus'>;
  spectator: Spectator;
  pattern: Pattern;
  /** What the pattern was made for. */
  model: Owner;
  /** Writes in flight, as many as the operator has workers. */
  workers: number;
}

/** Children by POST and both statuses by PUT: the cheapest verbs that there are. */
export function createFloor({ lab, spectator, pattern, model, workers: limit }: FloorOptions): Floor {
  const workers = createWorkers(limit);
  /** Deployments whose first status is written, and who wait for their pod. */
  const waiting = new Map<string, StoredDeployment>();

  const post = async (children: readonly KubeObject[], owner: Owner): Promise<void> => {
    for (const child of children) await lab.client.create(resourceOf(child), renamed(child, model, owner));
  };
  const report = (deployment: StoredDeployment, status: Pattern['status']): Promise<StoredDeployment> =>
    lab.replaceStatus({ ...deployment, status: renamed(status, model, ownerOf(deployment)) });

  const finish = (deployment: StoredDeployment) => async () => {
    await post(pattern.late, ownerOf(deployment));
    await report(deployment, pattern.status);
  };
  const begin = (deployment: StoredDeployment) => async () => {
    await post(pattern.early, ownerOf(deployment));
    const reported = await report(deployment, pendingStatus(pattern.status));
    if (spectator.readyPods.has(reported.metadata.name)) workers.add(finish(reported));
    else waiting.set(reported.metadata.name, reported);
  };
  spectator.onSighting(({ object }) => {
    const name = object.metadata.labels?.[labels.deployment] ?? '';
    const deployment = spectator.readyPods.has(name) ? waiting.get(name) : undefined;
    if (deployment && waiting.delete(name)) workers.add(finish(deployment));
  });

  return {
    take: (deployment) => workers.add(begin(deployment)),
    done: (deployments) => workers.done(2 * deployments),
  };
}
