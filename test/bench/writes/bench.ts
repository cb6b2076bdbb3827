// npm run bench -- writes: what one write of each kind of child costs the API server, by the way in which it is made.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fieldManagers } from '../../../src/api/types.ts';
import { bundle } from '../../../src/cli/build/bundle.ts';
import { resourceOf } from '../../../src/kube/resources.ts';
import type { KubeObject } from '../../../src/kube/types.ts';
import { findBinaries } from '../../controlplane/binaries.ts';
import type { Progress } from '../../controlplane/progress.ts';
import { renamed } from '../copies.ts';
import type { Lab } from '../lab.ts';
import { machine } from '../machine.ts';
import { startOperator } from '../operatorProcess.ts';
import { onStage, type Rehearsal, rehearse } from '../rehearsal.ts';
import { median } from '../statistics.ts';
import type { WritesBenchOptions } from './options.ts';
import { type Cost, costTable, type Way } from './report.ts';

const BATCH = 25;
const { children: fieldManager } = fieldManagers;

type Write = (lab: Lab, child: KubeObject) => Promise<KubeObject>;

const mark = 'bench.localmodels.dev/changed';
const changed = (child: KubeObject): KubeObject => ({
  ...child,
  metadata: { ...child.metadata, annotations: { ...child.metadata.annotations, [mark]: 'yes' } },
});

/** As src/operator/apply.ts makes a child: with a version that no object can have. */
const asNew = (child: KubeObject): KubeObject => ({
  ...child,
  metadata: { ...child.metadata, resourceVersion: '1' },
});

const writes: Record<Way, Write> = {
  post: ({ client }, child) => client.create(resourceOf(child), child),
  put: ({ client }, stored) => client.replace(resourceOf(stored), changed(stored)),
  apply: ({ client }, child) => client.apply(resourceOf(child), asNew(child), { fieldManager }),
  reapply: ({ client }, child) => client.apply(resourceOf(child), changed(child), { fieldManager }),
};

/** A Deployment whose pods are made costs the API server more than its write: it is held, whichever way it is written. */
function atRest(child: KubeObject): KubeObject {
  if (child.kind !== 'Deployment') return child;
  const { spec } = child as KubeObject & { spec: object };
  return { ...child, spec: { ...spec, replicas: 0, paused: true } } as KubeObject;
}

/** The owner stays the one that there is: garbage collection takes what belongs to nobody. */
const ownedByModel = (copy: KubeObject, { metadata: { ownerReferences } }: KubeObject): KubeObject => ({
  ...copy,
  metadata: { ...copy.metadata, ...(ownerReferences && { ownerReferences }) },
});

interface Sum {
  ms: number[];
  cpuSeconds: number;
}

/** One batch, one write at a time. */
async function batch(lab: Lab, write: Write, children: readonly KubeObject[], sum: Sum): Promise<KubeObject[]> {
  const stored: KubeObject[] = [];
  const cpu = await lab.serverCpuSeconds();
  for (const child of children) {
    const startedAt = performance.now();
    stored.push(await write(lab, child));
    sum.ms.push(performance.now() - startedAt);
  }
  sum.cpuSeconds += (await lab.serverCpuSeconds()) - cpu;
  return stored;
}

async function costsOf(lab: Lab, { model }: Rehearsal, child: KubeObject, count: number): Promise<Cost> {
  const sums = Object.fromEntries(
    Object.keys(writes).map((way) => [way, { ms: [], cpuSeconds: 0 }]),
  ) as unknown as Record<Way, Sum>;
  const copies = (way: string, from: number) =>
    Array.from({ length: Math.min(BATCH, count - from) }, (_, index) =>
      ownedByModel(renamed(atRest(child), model, { ...model, name: `${way}-${from + index}` }), child),
    );
  for (let done = 0; done < count; done += BATCH) {
    const posted = await batch(lab, writes.post, copies('posted', done), sums.post);
    const applied = copies('applied', done);
    await batch(lab, writes.apply, applied, sums.apply);
    await batch(lab, writes.put, await fresh(lab, posted), sums.put);
    await batch(lab, writes.reapply, applied, sums.reapply);
  }
  const ways = Object.entries(sums).map(([way, { ms, cpuSeconds }]) => [
    way,
    { ms: median(ms), serverCpuMs: (1000 * cpuSeconds) / count },
  ]);
  return { kind: nameOf(child), ...(Object.fromEntries(ways) as Pick<Cost, Way>) };
}

/** A controller may have written to them since. */
const fresh = (lab: Lab, objects: readonly KubeObject[]): Promise<KubeObject[]> =>
  Promise.all(objects.map((object) => lab.client.get<KubeObject>(resourceOf(object), object.metadata)));

function nameOf(child: KubeObject): string {
  const { clusterIP } = (child as KubeObject & { spec?: { clusterIP?: string } }).spec ?? {};
  if (child.kind !== 'Service') return child.kind;
  return clusterIP === 'None' ? 'Service, headless' : 'Service, ClusterIP';
}

/** Runs it and prints the table. */
export async function benchWrites(options: WritesBenchOptions, progress: Progress): Promise<void> {
  const { paths: binaries, origin } = await findBinaries({ env: process.env, progress });
  progress.say(origin);
  const where = machine();
  const folder = await mkdtemp(join(tmpdir(), 'lmo-bench-'));
  try {
    const { operator: program } = await bundle(resolve(import.meta.dirname, '../../..'), folder);
    const stage = { binaries, durable: options.durable, nodes: 0, kind: 'smallest' } as const;
    const costs = await onStage(stage, async (on) => {
      const operator = await startOperator(on.lab, { program, workers: 1 });
      const rehearsal = await rehearse(on).finally(() => operator.stop());
      const { early, late } = rehearsal.pattern;
      const measured: Cost[] = [];
      for (const child of [...early, ...late])
        measured.push(await progress.during(nameOf(child), () => '', costsOf(on.lab, rehearsal, child, options.count)));
      return measured;
    });
    process.stdout.write(`\n${costTable(costs)}\n`);
    const text = JSON.stringify({ machine: where, options, costs }, null, 2);
    if (options.json) await writeFile(options.json, `${text}\n`);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
