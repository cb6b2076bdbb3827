// npm run bench -- soak: one operator, cycle after cycle of deployments that come, change and go.
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { localModelDeployments, type StoredDeployment } from '../../../src/api/types.ts';
import { bundle } from '../../../src/cli/build/bundle.ts';
import { resources } from '../../../src/kube/resources.ts';
import { apiVersionOf } from '../../../src/kube/types.ts';
import { findBinaries } from '../../controlplane/binaries.ts';
import type { Progress } from '../../controlplane/progress.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { type Lab, openLab } from '../lab.ts';
import { machine } from '../machine.ts';
import { type OperatorProcess, startOperator } from '../operatorProcess.ts';
import { isReady, sample } from '../sample.ts';
import { forEachAtOnce } from '../workers.ts';
import type { SoakOptions } from './options.ts';
import { descriptorsGrow, type Rest, soakTable } from './report.ts';

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const IN_FLIGHT = 8;
const patience = { deadlineMs: 300_000, everyMs: 500 };

/** What a cycle makes and garbage collection takes. */
const { deployment, service, networkPolicy, pod } = resources;
const passing = [localModelDeployments, deployment, service, networkPolicy, pod];

interface Soak {
  lab: Lab;
  operator: OperatorProcess;
  options: SoakOptions;
}

const everyOne = ({ options }: Soak, act: (name: string) => Promise<unknown>): Promise<void> =>
  forEachAtOnce(options.count, IN_FLIGHT, async (index) => void (await act(`model-${index}`)));

async function untilAllAre(what: string, { lab, options }: Soak, are: (one: StoredDeployment) => boolean) {
  await waitFor(
    `all are ${what}`,
    async () => {
      const { items } = await lab.client.list<StoredDeployment>(localModelDeployments, { namespace: lab.namespace });
      return (items.length === options.count && items.every(are)) || undefined;
    },
    patience,
  );
}

/** Deployments come, are changed and go; when the garbage collector has taken all their children nothing is left of them. */
async function cycle(soak: Soak, restart: boolean): Promise<void> {
  const { lab } = soak;
  const { client, namespace } = lab;
  await everyOne(soak, (name) => client.create(localModelDeployments, sample(namespace, name) as StoredDeployment));
  await untilAllAre('ready', soak, isReady);
  if (restart) await lab.restartApiServer();
  const edited = { replicas: 2 };
  await everyOne(soak, (name) => {
    const object = {
      apiVersion: apiVersionOf(localModelDeployments),
      kind: localModelDeployments.kind,
      metadata: { namespace, name },
      spec: edited,
    };
    return client.apply(localModelDeployments, object, { fieldManager: 'bench-user' });
  });
  await untilAllAre('ready again', soak, (one) => isReady(one) && one.status?.readyReplicas === edited.replicas);
  await everyOne(soak, (name) => client.remove(localModelDeployments, { namespace, name }));
  await waitFor(
    'nothing is left',
    async () => {
      for (const resource of passing)
        if ((await client.list(resource, { namespace })).items.length > 0) return undefined;
      return true;
    },
    patience,
  );
}

async function lookAtRest({ operator }: Soak, startedAt: number): Promise<Rest> {
  await operator.quiet(1, patience.deadlineMs);
  const usage = await operator.usage();
  return {
    minutes: (performance.now() - startedAt) / 60_000,
    rssMiB: usage?.rssMiB ?? Number.NaN,
    heapMiB: (await operator.metric('nodejs_heap_size_used_bytes')) / 2 ** 20,
    descriptors: (await readdir(`/proc/${operator.pid}/fd`).catch(() => [])).length,
  };
}

async function soakFor(soak: Soak, progress: Progress): Promise<Rest[]> {
  const { minutes, restartEvery, count } = soak.options;
  const startedAt = performance.now();
  const rests: Rest[] = [];
  const told = () => {
    const rest = rests.at(-1);
    const now = rest ? `, ${rest.rssMiB.toFixed(0)} MiB, ${rest.descriptors} descriptors` : '';
    return `${rests.length} cycles of ${count}${now}`;
  };
  await progress.during(
    `Soak for ${minutes} min`,
    told,
    (async () => {
      while (performance.now() - startedAt < minutes * 60_000) {
        await cycle(soak, (rests.length + 1) % restartEvery === 0);
        rests.push(await lookAtRest(soak, startedAt));
      }
    })(),
  );
  return rests;
}

/** Runs it, prints the table, and sets the exit code where descriptors grow. */
export async function benchSoak(options: SoakOptions, progress: Progress): Promise<void> {
  const { paths, origin } = await findBinaries({ env: process.env, progress });
  progress.say(origin);
  const where = machine();
  print(`${where.cores} cores (${where.cpu}), load ${where.load}, Node ${where.node}, Kubernetes ${where.kubernetes}`);
  const folder = await mkdtemp(join(tmpdir(), 'lmo-bench-'));
  const lab = await openLab({ binaries: paths, durable: false, nodes: 0 });
  try {
    const program = (await bundle(resolve(import.meta.dirname, '../../..'), folder)).operator;
    const operator = await startOperator(lab, { program, workers: 8 });
    try {
      const rests = await soakFor({ lab, operator, options }, progress);
      print(`\n${rests.length} cycles of ${options.count} deployments in ${rests.at(-1)?.minutes.toFixed(0)} min\n`);
      print(soakTable(rests));
      if (options.json)
        await writeFile(options.json, `${JSON.stringify({ machine: where, options, rests }, null, 2)}\n`);
      if (!descriptorsGrow(rests)) return;
      print('File descriptors grow.');
      process.exitCode = 1;
    } finally {
      await operator.stop();
    }
  } finally {
    await lab.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
