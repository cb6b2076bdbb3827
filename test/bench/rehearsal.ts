// A control plane with somebody who watches it, and one deployment on it before anything is measured.
import { localModelDeployments, type StoredDeployment } from '../../src/api/types.ts';
import { resourceOf } from '../../src/kube/resources.ts';
import type { KubeObject } from '../../src/kube/types.ts';
import { type Owner, ownerOf, type Pattern, patternOf } from './copies.ts';
import { type Lab, type LabOptions, openLab } from './lab.ts';
import { type SampleKind, sample } from './sample.ts';
import { type Spectator, watchNamespace } from './spectator.ts';

export interface StageOptions extends LabOptions {
  kind: SampleKind;
}

export interface Stage<Options extends StageOptions = StageOptions> {
  lab: Lab;
  spectator: Spectator;
  options: Options;
}

/** Plays on a fresh control plane, which is gone afterwards. */
export async function onStage<Options extends StageOptions, T>(
  options: Options,
  play: (stage: Stage<Options>) => Promise<T>,
): Promise<T> {
  const lab = await openLab(options);
  try {
    const spectator = await watchNamespace(lab.spectator, lab.namespace);
    try {
      return await play({ lab, spectator, options });
    } finally {
      await spectator.stop();
    }
  } finally {
    await lab.stop();
  }
}

export interface Rehearsal {
  pattern: Pattern;
  /** What the pattern was made for. */
  model: Owner;
  children: number;
}

const NAME = 'rehearsal-of-one';
const DEADLINE_MS = 120_000;

/** With an operator running: it warms the control plane up and shows what a deployment needs. */
export async function rehearse({ lab, spectator, options }: Stage): Promise<Rehearsal> {
  const { client, namespace } = lab;
  await client.create<KubeObject>(localModelDeployments, sample(namespace, NAME, options.kind));
  await spectator.until('the rehearsal is ready', () => spectator.readyCount() === 1, DEADLINE_MS);
  const children = await Promise.all(
    spectator.children().map((child) => client.get<KubeObject>(resourceOf(child), child.metadata)),
  );
  const deployment = await client.get<StoredDeployment>(localModelDeployments, { namespace, name: NAME });
  return { pattern: patternOf(deployment, children), model: ownerOf(deployment), children: children.length };
}
