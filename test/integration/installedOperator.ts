// The operator as an installed Deployment would run it: its very arguments and defaults file, as its very service account. Only what
// the place demands is added, since pods of the control plane are simulated: where the API server is, and a port of its own.
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Rule } from '../../src/operator/permissions.ts';
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

interface AuditEvent {
  user?: { username?: string };
  verb?: string;
  objectRef?: { apiGroup?: string; resource?: string; subresource?: string };
  responseStatus?: { code?: number; message?: string };
}

/** What service accounts did, as the audit log has it: `verb resource/subresource.group`. */
export interface Deeds {
  done: Set<string>;
  refused: Set<string>;
}

export async function deedsOf(auditLog: string, accounts: readonly string[]): Promise<Deeds> {
  const lines = (await readFile(auditLog, 'utf8')).split('\n').filter(Boolean);
  const deeds: Deeds = { done: new Set(), refused: new Set() };
  for (const line of lines) {
    const {
      user,
      verb,
      objectRef: { apiGroup, resource, subresource } = {},
      responseStatus,
    } = JSON.parse(line) as AuditEvent;
    if (!resource || !accounts.includes(user?.username ?? '')) continue;
    const deed = deedName(verb ?? '', subresource ? `${resource}/${subresource}` : resource, apiGroup);
    // Nobody may make anything in a namespace that is being deleted: that is no lack of rights.
    if (responseStatus?.message?.includes('it is being terminated')) continue;
    (responseStatus?.code === 403 ? deeds.refused : deeds.done).add(deed);
  }
  return deeds;
}

const deedName = (verb: string, resource: string, group = ''): string =>
  `${verb} ${resource}${group ? `.${group}` : ''}`;

/** Everything that rules allow, in the same words. */
export const allowed = (rules: readonly Pick<Rule, 'apiGroups' | 'resources' | 'verbs'>[]): string[] =>
  rules.flatMap(({ apiGroups, resources, verbs }) =>
    apiGroups.flatMap((group) => resources.flatMap((resource) => verbs.map((verb) => deedName(verb, resource, group)))),
  );

/** What a service account was refused. */
export const refusals = async (auditLog: string, account: string): Promise<string[]> =>
  [...(await deedsOf(auditLog, [account])).refused].sort();
