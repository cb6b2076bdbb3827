// Everything that the e2e tests share: a real node, images of ours in it, models in its registry, the operator installed.

import { systemClock } from '../../../src/process/clock.ts';
import { findHelm } from '../../controlplane/binaries.ts';
import type { Progress } from '../../controlplane/progress.ts';
import { spelledSeconds } from '../../controlplane/progress.ts';
import { NAMESPACE } from '../../integration/helm.ts';
import { type BuiltImages, buildImages } from '../images/images.ts';
import { findNodeBinaries } from '../node/binaries.ts';
import { type NodeConnection, type RealNode, startNode } from '../node/node.ts';
import { installOperator } from './install.ts';
import { type PublishedModels, publishModels } from './models.ts';

/** Plain data: can be handed to vitest's workers. */
export interface World {
  readonly node: NodeConnection;
  readonly models: PublishedModels;
  /** Path of the program. */
  readonly helm: string;
  /** Folder of the sources that the image `previous` was built from. */
  readonly previous: string;
  /** Paths of OCI archives, by the names of the images. */
  readonly archives: BuiltImages['archives'];
}

export interface WorldOptions {
  env: NodeJS.ProcessEnv;
  progress: Progress;
}

export interface RunningWorld {
  readonly world: World;
  readonly node: RealNode;
}

/** Resolves when deployments can be applied. Nothing is left when it rejects. */
export async function startWorld({ env, progress }: WorldOptions): Promise<RunningWorld> {
  const binaries = await findNodeBinaries({ env, progress });
  const helm = (await findHelm({ env, progress })).paths.helm;
  const { archives, previous } = await buildImages({ binaries, env, progress });
  const timed = async <T>(what: string, work: Promise<T>): Promise<T> => {
    const started = systemClock.monotonic();
    const result = await work;
    progress.say(`${what} after ${spelledSeconds((systemClock.monotonic() - started) / 1000)}`);
    return result;
  };
  const node = await timed('The node is Ready', startNode({ binaries, images: Object.values(archives), devices: 1 }));
  try {
    const models = await publishModels(node.layout.door);
    await timed('The operator is installed', installOperator(node.access, helm));
    // From now on: the pods that take the place of killed ones show that they need no more.
    await node.access.runKubectl(['label', 'namespace', NAMESPACE, 'pod-security.kubernetes.io/enforce=restricted']);
    const { connection, layout, init, keeper, cgroup, programs } = node;
    return {
      world: {
        node: { connection, layout, init, keeper, cgroup, programs },
        models,
        helm,
        previous: previous.folder,
        archives,
      },
      node,
    };
  } catch (error) {
    await node.stop();
    throw error;
  }
}
