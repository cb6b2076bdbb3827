// The operator as an installed Deployment would run it: its very arguments and defaults file, as its very service account. Only what
// the place demands is added, since pods of the control plane are simulated: where the API server is, and a port of its own.
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Access } from '../controlplane/access.ts';
import { kubeconfig } from '../controlplane/kubeconfig.ts';
import { freePort } from '../controlplane/ports.ts';
import { type Program, startProgram } from '../runtime/program.ts';
import type { Manifest } from './helm.ts';

const root = resolve(import.meta.dirname, '../..');

export interface Installed {
  namespace: string;
  /** Of the Deployment. */
  name: string;
  /** Name of the ConfigMap with the defaults; default: as the chart calls it. */
  defaults?: string;
}

async function objectOf(access: Access, path: string): Promise<Manifest> {
  const { status, body } = await access.call('GET', path);
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return body as Manifest;
}

const answers = (port: number) => async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status === 200;

export interface InstalledProgram extends Program {
  /** Of /metrics and health, on 127.0.0.1. */
  readonly adminPort: number;
}

/** Resolves when it is ready. */
export async function startInstalled(
  access: Access,
  { namespace, name, defaults: config = `${name}-defaults` }: Installed,
): Promise<InstalledProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'lmo-installed-'));
  const { spec } = await objectOf(access, `/apis/apps/v1/namespaces/${namespace}/deployments/${name}`);
  const [container] = spec.template.spec.containers;
  const { data } = await objectOf(access, `/api/v1/namespaces/${namespace}/configmaps/${config}`);
  const account: string = spec.template.spec.serviceAccountName;
  const token = await access.runKubectl(['-n', namespace, 'create', 'token', account]);
  if (token.code !== 0) throw new Error(token.stderr);
  const defaults = join(folder, 'defaults.yaml');
  const credentials = join(folder, 'kubeconfig');
  await writeFile(defaults, data['defaults.yaml']);
  await writeFile(credentials, kubeconfig(access.server, access.ca, account, { token: token.stdout.trim() }), {
    mode: 0o600,
  });
  const port = await freePort();
  const flags: string[] = container.command.filter((word: string) => word.startsWith('--'));
  const program = await startProgram({
    name: 'operator',
    folder,
    program: join(root, 'node_modules/.bin/node'),
    argv: [
      ...flags,
      join(root, 'src/operator/main.ts'),
      ...container.args.filter((arg: string) => !/^--(config|gateway-access)=/.test(arg)),
      `--config=${defaults}`,
      '--gateway-access=None',
      `--kubeconfig=${credentials}`,
      `--lease-namespace=${namespace}`,
      '--admin-host=127.0.0.1',
      `--admin-port=${port}`,
    ],
    env: { PATH: '/usr/bin:/bin', HOME: folder },
    answers: answers(port),
    deadlineMs: 60_000,
  });
  return { ...program, adminPort: port };
}
