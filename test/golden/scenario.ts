// A scenario: what the user applied (input.yaml), the cluster that it met (scenario.yaml), and the children that come of it.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import * as z from 'zod';
import { builtInDefaults, type OperatorDefaults, settingsOf } from '../../src/api/defaults.ts';
import { localModelDeployment } from '../../src/api/schema.ts';
import { annotations } from '../../src/api/types.ts';
import { claim } from '../../src/children/claim.ts';
import { clientService } from '../../src/children/clientService.ts';
import { deployment } from '../../src/children/deployment.ts';
import { disruptionBudget } from '../../src/children/disruptionBudget.ts';
import type { PodInput } from '../../src/children/input.ts';
import { lockConfigMap } from '../../src/children/lockConfigMap.ts';
import { metricsService } from '../../src/children/metricsService.ts';
import { modelPod } from '../../src/children/modelPod.ts';
import { networkPolicy } from '../../src/children/networkPolicy.ts';
import type { Child } from '../../src/children/pod.ts';
import { serviceMonitor } from '../../src/children/serviceMonitor.ts';
import { podDemandsOf } from '../../src/placement/inputs.ts';
import { decide, type Outcome } from '../../src/placement/ladder.ts';
import type { World } from '../../src/placement/world.ts';
import { runtimes } from '../../src/runtimes/catalogue.ts';

export const root = import.meta.dirname;

const node = z.strictObject({
  name: z.string(),
  labels: z.record(z.string(), z.string()).default({}),
  allocatable: z.record(z.string(), z.string()).default({}),
  taints: z.array(z.strictObject({ key: z.string(), value: z.string().optional(), effect: z.string() })).default([]),
  unschedulable: z.boolean().default(false),
});

const scenario = z.strictObject({
  nodes: z.array(node).default([]),
  deviceClasses: z.array(z.strictObject({ name: z.string() })).optional(),
  restartedAt: z.string().optional(),
  /** What the chart sets in place of the built-in defaults. */
  defaults: z.looseObject({}).default({}),
  locks: z.array(z.strictObject({ revision: z.string(), reference: z.string(), digest: z.string() })).default([]),
});
type Scenario = z.output<typeof scenario>;

/** Constant, so that a golden file changes only where a builder does; what a revision depends on has tests of its own. */
const REVISION = 'k3xq7wzn2a';
const UID = '0b9f4c52-6f0e-4f65-9c1e-3c1f4a0f6d11';

const readYaml = (name: string, file: string): unknown => parse(readFileSync(join(root, name, file), 'utf8'));

export const scenarioNames = (): string[] =>
  readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();

function place(input: Pick<PodInput, 'settings' | 'runtime'>, { nodes, deviceClasses }: Scenario): Outcome {
  const { settings, runtime } = input;
  const world = { nodes, deviceClasses: deviceClasses ?? 'absent' } as World;
  return decide({
    ladder: settings.ladder,
    runtime,
    pod: podDemandsOf(settings),
    inputsHash: 'golden',
    pods: { wanted: settings.replicas, everScheduled: false },
    now: 0,
    fallbackAfterMs: settings.fallbackAfterSeconds * 1000,
    world,
  });
}

/** The children of a scenario by the name of their golden file, and how the ladder was gone down. */
export function render(name: string): Record<string, unknown> {
  const { metadata, spec } = localModelDeployment.parse(readYaml(name, 'input.yaml'));
  const given = scenario.parse(readYaml(name, 'scenario.yaml') ?? {});
  const settings = settingsOf(metadata.name, spec);
  const defaults: OperatorDefaults = { ...builtInDefaults, ...given.defaults };
  const runtime = runtimes[settings.runtime];
  const input = { name: metadata.name, namespace: String(metadata.namespace), uid: UID, settings, defaults };
  const outcome = place({ settings, runtime }, given);
  if (outcome.kind !== 'placed') throw new Error(`${name}: ${outcome.message}`);
  const { choice, rejected } = outcome.decision;
  const rung = settings.ladder[choice.rung];
  if (!rung) throw new Error(`${name}: the ladder has no rung ${choice.rung}`);
  const { restartedAt, locks } = given;
  const podInput: PodInput = {
    ...input,
    runtime,
    rung,
    choice,
    revision: REVISION,
    ...(restartedAt && { restartedAt }),
  };
  const problems = runtime.check(settings);
  if (problems.length > 0) throw new Error(`${name}: ${JSON.stringify(problems)}`);
  return {
    'placement.yaml': { reason: outcome.reason, message: outcome.message, choice, rejected },
    ...files([
      deployment(input, {
        choice,
        template: modelPod(podInput),
        annotations: { [annotations.revision]: REVISION },
      }),
      clientService(input),
      metricsService(input),
      networkPolicy(input),
      serviceMonitor(input),
      lockConfigMap(input, locks),
      claim(input),
      disruptionBudget(input),
    ]),
  };
}

const fileOf = ({ kind, metadata }: Child): string => {
  const words = kind.replace(/([a-z])([A-Z])/g, '$1-$2').toLowerCase();
  return kind === 'Service' && metadata.name.endsWith('-metrics') ? 'metrics-service.yaml' : `${words}.yaml`;
};

const files = (children: readonly (Child | undefined)[]): Record<string, unknown> =>
  Object.fromEntries(children.filter((child) => child !== undefined).map((child) => [fileOf(child), child]));
