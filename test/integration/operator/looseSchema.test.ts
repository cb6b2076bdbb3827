// Deployments that an older or looser schema has let in, on a control plane of its own.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { customResourceDefinition } from '../../../src/api/crd.ts';
import { localModelDeployments, type StoredDeployment } from '../../../src/api/types.ts';
import { parseSpec } from '../../../src/api/validate.ts';
import { ApiError } from '../../../src/kube/errors.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { type ControlPlane, startControlPlane } from '../../controlplane/cluster.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { arbitrarySpec } from '../../property/arbitrarySpec.ts';
import { installDefinition, type OperatorCluster, openCluster, openStage, type Stage } from './harness.ts';
import { conditionOf, smallest } from './tenant.ts';

const COUNT = 200;
/** Another each time, and told when a test fails. */
const seed = Date.now() % 2 ** 31;

/** Our kind, with a schema that takes anything. */
function looseDefinition() {
  const definition = customResourceDefinition();
  const [version] = definition.spec.versions;
  const anything = { 'x-kubernetes-preserve-unknown-fields': true } as const;
  const schema = { openAPIV3Schema: { type: 'object', properties: { spec: anything, status: anything } } };
  const versions = [{ ...version, subresources: { status: {} }, selectableFields: [], schema }];
  return { ...definition, spec: { ...definition.spec, versions } };
}

const junk = fc.jsonValue({ maxDepth: 3, noUnicodeString: false });
/** A spec that would do, with one of its members replaced by something that may not. */
const spoiled = fc.tuple(arbitrarySpec, fc.string(), junk, fc.nat()).map(([spec, name, value, at]) => {
  const keys = Object.keys(spec);
  return { ...spec, [at % 3 === 0 ? name : (keys[at % keys.length] ?? name)]: value };
});
const anySpec = fc.oneof({ weight: 1, arbitrary: junk }, { weight: 4, arbitrary: spoiled });
const anyStatus = fc.option(fc.oneof(junk, fc.record({ conditions: junk, hardware: junk, observedGeneration: junk })));
const anyName = fc.oneof(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,30}[a-z0-9]$/),
  // Longer than ours may be, and with dots.
  fc.array(fc.stringMatching(/^[a-z0-9]{3,8}$/), { minLength: 14, maxLength: 18 }).map((words) => words.join('.')),
);

let own: ControlPlane;
let cluster: OperatorCluster;
let stage: Stage & { close(): Promise<void> };

beforeAll(async () => {
  own = await startControlPlane({ binaries: inject('binaries'), nodes: [{ name: 'only' }] });
  cluster = await openCluster(own);
  await installDefinition(cluster.client, looseDefinition());
  stage = await openStage(cluster, 'loose', 'none');
});
afterAll(async () => {
  await stage?.close();
  await cluster?.close();
  await own?.stop();
});

/** Stores one as it is; undefined where even the API server would not (NUL in a key, too deep). */
async function store(name: string, spec: unknown, status: unknown): Promise<string | undefined> {
  const { client } = cluster;
  const { apiVersion, kind } = { apiVersion: 'localmodels.dev/v1alpha1', kind: 'LocalModelDeployment' };
  const object = { apiVersion, kind, metadata: { name, namespace: stage.namespace } };
  try {
    await client.create(localModelDeployments, { ...object, spec } as KubeObject);
    if (status !== null)
      await client.applyStatus(localModelDeployments, { ...object, status } as KubeObject, { fieldManager: 'junk' });
    return name;
  } catch (error) {
    if (error instanceof ApiError && error.reason === 'invalid') return undefined;
    throw error;
  }
}

test(`${COUNT} deployments of any shape are refused with reasons, and a good one among them is served`, async () => {
  const shapes = fc.sample(fc.tuple(anyName, anySpec, anyStatus), { numRuns: COUNT, seed });
  const left = shapes.map(([name, ...rest], index) => [`${name}${index}`, ...rest] as const);
  const stored: string[] = [];
  const worker = async () => {
    for (let next = left.shift(); next; next = left.shift()) {
      const name = await store(...next);
      if (name) stored.push(name);
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  expect(stored.length, `seed ${seed}`).toBeGreaterThan(COUNT / 2);
  await store('with-junk-status', smallest, { conditions: 'none', hardware: 7, observedGeneration: 'x' });

  const running = stage.start();
  await stage.apply(smallest, { name: 'good' });
  await stage.untilCondition('Ready', 'True', 'Serving', 'good');
  await stage.untilCondition('Ready', 'True', 'Serving', 'with-junk-status');

  const judge = async () => {
    const all = (await stage.list(localModelDeployments)) as unknown as StoredDeployment[];
    const open = all.filter((one) => {
      const accepted = Array.isArray(one.status?.conditions) ? conditionOf(one, 'Accepted') : undefined;
      return accepted?.observedGeneration !== one.metadata.generation;
    });
    return open.length === 0 ? all : undefined;
  };
  const judged = await waitFor(`all are judged (seed ${seed})`, judge, { deadlineMs: 120_000, everyMs: 500 });
  const problemsOf = (one: StoredDeployment) => {
    const parsed = parseSpec(one);
    return 'problems' in parsed ? parsed.problems : [];
  };
  const bad = judged.filter((one) => problemsOf(one).length > 0);
  expect(bad.length, `seed ${seed}`).toBeGreaterThan(COUNT / 4);
  for (const one of bad) {
    const accepted = conditionOf(one, 'Accepted');
    expect(accepted, `seed ${seed}: ${one.metadata.name}`).toMatchObject({ status: 'False' });
    expect(accepted?.message, `seed ${seed}: ${one.metadata.name}`).toContain(problemsOf(one)[0]?.path);
    expect(conditionOf(one, 'Stalled')?.status).toBe('True');
  }
  const faults = running.log.filter(({ level }) => level === 'error');
  expect(faults, `seed ${seed}`).toEqual([]);
}, 240_000);
