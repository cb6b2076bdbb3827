// The story on a real node: from nothing to a model's answer, each command as a person would type it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { systemClock } from '../../src/process/clock.ts';
import { freePort } from '../controlplane/ports.ts';
import { createProgress } from '../controlplane/progress.ts';
import { obstacle } from '../e2e/node/obstacle.ts';
import { installArguments } from '../e2e/world/install.ts';
import { specOf } from '../e2e/world/specs.ts';
import { type RunningWorld, startWorld } from '../e2e/world/world.ts';
import { UnavailableError } from '../runtime/workshop.ts';
import { DemoError, patiently } from './demoError.ts';
import { createKubectl, type Kubectl } from './kubectl.ts';
import type { Output, Screen } from './screen.ts';
import type { Undoing } from './undoing.ts';

export interface RealNodeRun {
  screen: Screen;
  output: Output;
  over: AbortController;
  undoing: Undoing;
  keep: boolean;
  env: NodeJS.ProcessEnv;
}

interface Stage extends RealNodeRun {
  running: RunningWorld;
  kubectl: Kubectl;
  signal: AbortSignal;
}

const namespace = 'ai';
const name = 'hello';
/** What clients call the model. */
const servedName = 'tiny';
const apiKey = 'a-key-of-the-team';
const question = 'Who are you?';
const labels = ['enforce', 'warn'].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);

/** Rejects with DemoError where there cannot be a real node. */
export async function playOnRealNode(run: RealNodeRun): Promise<void> {
  const { screen, over, undoing } = run;
  const { signal } = over;
  screen.heading('local-model-operator on a real node: kubelet, containerd, and a real Ollama in a container');
  const problem = await obstacle();
  if (problem !== undefined) throw new DemoError(problem);
  screen.say('All of it lives in namespaces of its own on this machine, which keep no trace of it.');
  screen.heading('1/5  A node, images, a registry with a tiny model, and the operator by its chart');
  const running = await startRunning(run);
  if (!run.keep) undoing.add(running.node.stop);
  const { kubectl: program, kubeconfig } = running.node.connection;
  const kubectl = createKubectl({ program, env: { HOME: running.node.layout.folder, KUBECONFIG: kubeconfig } });
  const stage: Stage = { ...run, running, kubectl, signal };
  screen.command(`helm upgrade --install ${installArguments.join(' ').replace(/\/\S*\/charts/, 'charts')}`);
  await show(stage, 'get nodes -o wide');
  await show(stage, 'get pods -n local-model-operator');
  await screen.pause(signal);
  await applyDeployment(stage);
  await untilReady(stage);
  await ask(stage);
  screen.heading('5/5  The end of it');
  if (run.keep) keepUp(stage);
  else await show(stage, `delete lmd ${name} -n ${namespace}`);
}

async function startRunning({ screen, output, env, over: { signal } }: RealNodeRun): Promise<RunningWorld> {
  const { during } = createProgress({ write: (text) => output.write(text), isTTY: output.isTTY === true }, systemClock);
  const progress = {
    say: screen.say,
    during: <T>(title: string, state: () => string, work: Promise<T>) => during(`  ${title}`, state, work),
  };
  try {
    const running = await startWorld({ env, progress });
    if (signal.aborted) await running.node.stop();
    signal.throwIfAborted();
    return running;
  } catch (error) {
    if (error instanceof UnavailableError) throw new DemoError(error.message);
    throw error;
  }
}

/** A command and what it prints. */
async function show({ screen, kubectl, signal }: Stage, words: string): Promise<void> {
  screen.command(`kubectl ${words}`);
  screen.output(await kubectl(words.split(' '), signal));
}

async function applyDeployment(stage: Stage): Promise<void> {
  const { screen, running, signal } = stage;
  const { first } = running.world.models;
  screen.heading('2/5  A model, as a few lines of YAML');
  await show(stage, `create namespace ${namespace}`);
  await show(stage, `label namespace ${namespace} ${labels.join(' ')}`);
  await show(stage, `create secret generic keys -n ${namespace} --from-literal=team=${apiKey}`);
  const manifest = {
    apiVersion: 'localmodels.dev/v1alpha1',
    kind: 'LocalModelDeployment',
    metadata: { name, namespace },
    spec: specOf(first, {
      model: { name: first.name, servedNames: [servedName], source: { registry: { plainHttp: true } } },
      api: { auth: { secretRef: { name: 'keys' } } },
    }),
  };
  const text = stringify(manifest, { lineWidth: 0 });
  screen.command('kubectl apply -f - <<EOF');
  screen.output(`${text}EOF`);
  const { code, stdout, stderr } = await running.node.access.runKubectl(['apply', '-f', '-'], { input: text });
  screen.output(`${stdout}${stderr}`);
  if (code !== 0) throw new DemoError('the deployment was refused');
  await screen.pause(signal);
}

async function untilReady(stage: Stage): Promise<void> {
  const { screen, kubectl, signal } = stage;
  screen.heading('3/5  Pulled, verified, loaded; then, and not before, Ready');
  const words = ['get', 'lmd', name, '-n', namespace];
  screen.command(`kubectl ${words.join(' ')} --watch`);
  let last = '';
  const started = systemClock.monotonic();
  const look = async () => {
    const line = (await kubectl([...words, '--no-headers'], signal)).trim();
    const timeless = line.replace(/\S+$/, '');
    if (timeless !== last) screen.output(line);
    last = timeless;
    return / True +Serving/.test(line) || undefined;
  };
  await patiently(`${name} is Ready`, look, { deadlineMs: 180_000, everyMs: 300, signal });
  screen.say(`Ready after ${((systemClock.monotonic() - started) / 1000).toFixed(1)} s.`);
  await show(stage, `get pods -n ${namespace} -o wide`);
  await screen.pause(signal);
}

async function ask(stage: Stage): Promise<void> {
  const { screen, running, signal } = stage;
  screen.heading('4/5  An answer');
  const port = await freePort();
  const { kubectl, kubeconfig } = running.node.connection;
  const forward = ['port-forward', '-n', namespace, `service/${name}`, `${port}:8080`];
  screen.command(`kubectl ${forward.join(' ')} &`);
  const env = { HOME: running.node.layout.folder, KUBECONFIG: kubeconfig };
  const child = spawn(kubectl, forward, { env, stdio: 'ignore' });
  try {
    const url = `http://127.0.0.1:${port}/v1/chat/completions`;
    const body = JSON.stringify({ model: servedName, messages: [{ role: 'user', content: question }] });
    screen.command(`curl ${url} -H 'authorization: Bearer ${apiKey}' -d '${body}'`);
    const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' };
    const request = async () => (await fetch(url, { method: 'POST', headers, body, signal })).text();
    screen.output(await patiently('an answer', request, { deadlineMs: 30_000, signal }));
    const refused = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body, signal });
    screen.say(`Without the key: ${refused.status}.`);
  } finally {
    child.kill();
    await Promise.race([once(child, 'exit'), sleep(2_000)]);
  }
  await screen.pause(signal);
}

function keepUp({ screen, running: { node } }: Stage): void {
  node.release();
  screen.say('Everything stays up. To use it:');
  screen.command(`export KUBECONFIG=${node.connection.kubeconfig}`);
  screen.command(`kubectl get lmd -n ${namespace} -o wide`);
  screen.say('To end it:');
  screen.command(`kill ${node.keeper}`);
}
