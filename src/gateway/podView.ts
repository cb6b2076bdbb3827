// What the door knows of the pod behind it, and what it tells back: the only seam between serving and judging.
import type { ModelFacts, Served } from './models.ts';
import type { Observation } from './observation.ts';
import type { ModelKind } from './routes.ts';
import type { Door } from './verdicts.ts';

export interface PodView {
  /** Whether requests are taken now. */
  door(): Door;
  /** Reason and message of the state, for those who are refused: `Loading: the runtime is loading the model`. */
  why(): string;
  /** The names that clients may use; undefined until it is known what the runtime calls the model. */
  served(): Served | undefined;
  /** Of the model that is loaded; undefined while none is. */
  loadedModel(): ModelFacts | undefined;
  /** Undefined: not known, or both. */
  modelKind(): ModelKind | undefined;
  /** Only what the door sees itself: the outcomes of requests. */
  observe(observation: Extract<Observation, { kind: 'Request' }>): void;
}
