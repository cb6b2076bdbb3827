// What every step of the story has at hand.
import type { Actor } from './cast.ts';
import type { Cluster } from './cluster.ts';
import type { Deployments } from './deployments.ts';
import type { Screen } from './screen.ts';
import type { Api } from './world.ts';

export interface Scene {
  cluster: Cluster;
  api: Api;
  screen: Screen;
  cast: readonly Actor[];
  deployments: Deployments;
  /** Aborts when a person interrupts, or when the operator ends. */
  signal: AbortSignal;
  /** Notes that something did not end as it should: the demo goes on, and fails at its end. */
  fault(sentence: string): void;
}

export interface Step {
  title: string;
  run(scene: Scene): Promise<void>;
}
