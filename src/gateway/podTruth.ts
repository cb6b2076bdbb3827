// The judge's side of the seam: what the door is told of the pod, out of the truth and the report of the pull.
import type { Clock } from '../process/clock.ts';
import type { ProgressReport } from '../puller/progressReport.ts';
import type { GatewayConfig } from './config.ts';
import { servedModel } from './fitness.ts';
import { createServed, type Served } from './models.ts';
import type { PodView } from './podView.ts';
import type { ModelKind } from './routes.ts';
import type { Truth } from './truth.ts';
import { doorOf } from './verdicts.ts';

export interface PodTruthOptions {
  config: GatewayConfig;
  truth: Truth;
  clock: Clock;
  report(): ProgressReport | undefined;
  kind(): ModelKind | undefined;
}

export function createPodTruth({ config, truth, clock, report, kind }: PodTruthOptions): PodView {
  const { servedNames } = config.model;
  let served: { name: string; value: Served } | undefined;

  const door = () => doorOf(truth.state, clock.monotonic());
  const wallTime = (monotonic: number) => clock.now() - clock.monotonic() + monotonic;

  return {
    door,
    why() {
      const { reason, message } = door() === 'Draining' ? truth.state : truth.state.fitness;
      return `${reason}: ${message}`;
    },
    served() {
      const name = truth.state.facts.target?.name;
      if (name === undefined) return undefined;
      if (served?.name !== name)
        served = { name, value: createServed({ runtime: config.runtime.kind, servedNames, name }) };
      return served.value;
    },
    loadedModel() {
      const { facts } = truth.state;
      const loaded = servedModel(facts);
      if (!loaded || facts.load.phase !== 'Done') return undefined;
      const { name: _, ...sizes } = loaded;
      const { family, quantization, parameterSize } = report()?.model ?? {};
      return {
        ...sizes,
        ...(family !== undefined && { family }),
        ...(quantization !== undefined && { quantization }),
        ...(parameterSize !== undefined && { parameterSize }),
        since: wallTime(facts.load.since),
      };
    },
    modelKind: kind,
    observe: truth.observe,
  };
}
