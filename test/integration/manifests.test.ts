// The plain YAML: what the chart makes of its defaults, cut for kustomize (UPDATE_GOLDEN=1 writes it anew), on a real API server.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { GROUP, KIND } from '../../src/api/types.ts';
import { metrics } from '../../src/gateway/metricsCatalogue.ts';
import { readDefaults } from '../../src/operator/config.ts';
import { connect } from '../controlplane/access.ts';
import { type ControlPlane, startControlPlane } from '../controlplane/cluster.ts';
import { waitFor } from '../controlplane/wait.ts';
import { collection, deployment } from './apiServer.ts';
import { refusals } from './deeds.ts';
import { type Manifest, openHelm, RELEASE, root } from './helm.ts';
import { startInstalled } from './installedOperator.ts';

const program = inject('helm');
const helm = openHelm(program);
const folder = join(root, 'manifests');
const HEADER =
  '# Made from charts/local-model-operator. To make it anew: UPDATE_GOLDEN=1 npx vitest run --project integration test/integration/manifests.test.ts\n';

const yamlOf = (manifests: readonly unknown[]): string =>
  HEADER +
  manifests
    .map((manifest) => stringify(manifest, { lineWidth: 0, aliasDuplicateObjects: false, version: '1.1' }))
    .join('---\n');

/** Without what is Helm's: its labels, and the sum by which it restarts the operator. */
function plain(manifest: Manifest): Manifest {
  const text = JSON.stringify(manifest, (name, value) =>
    name === 'helm.sh/chart' || name === 'checksum/defaults' ? undefined : value,
  );
  return JSON.parse(
    text.replaceAll('"app.kubernetes.io/managed-by":"Helm"', '"app.kubernetes.io/managed-by":"kustomize"'),
  );
}

const isInCluster = ({ kind, metadata }: Manifest) => kind.startsWith('ClusterRole') && metadata.name === RELEASE;
const isOfDeployments = ({ kind, metadata }: Manifest) => /^Role/.test(kind) && metadata.name === RELEASE;

async function expected(): Promise<Record<string, string>> {
  const wide = (await helm.template(['--skip-tests', '--set', 'crds.enabled=false'])).map(plain);
  const narrow = (
    await helm.template(['--skip-tests', '--set', 'crds.enabled=false', '--set', 'watchNamespaces={ai}'])
  ).map(plain);
  const defaults = wide.find(({ kind }) => kind === 'ConfigMap')?.data['defaults.yaml'];
  return {
    'base/operator.yaml': yamlOf(wide.filter((manifest) => manifest.kind !== 'ConfigMap' && !isInCluster(manifest))),
    'base/defaults.yaml': HEADER + defaults,
    'overlays/cluster-wide/rbac.yaml': yamlOf(wide.filter(isInCluster)),
    'overlays/namespaced/rbac.yaml': yamlOf(narrow.filter(isOfDeployments)),
  };
}

const local = connect(inject('controlPlane'));
const kustomize = async (overlay: string): Promise<string> => {
  const { code, stdout, stderr } = await local.runKubectl(['kustomize', join(folder, 'overlays', overlay)]);
  expect(code, stderr).toBe(0);
  return stdout;
};

const updating = process.env.UPDATE_GOLDEN === '1';
const read = (path: string) => (existsSync(join(folder, path)) ? readFileSync(join(folder, path), 'utf8') : '');

describe('the files', () => {
  // Why is told once, at the start of the run.
  it.skipIf(!program)('are what the chart makes of its defaults', async () => {
    const files = await expected();
    for (const [path, text] of Object.entries(files)) {
      if (updating) writeFileSync(join(folder, path), text);
      expect(read(path), path).toBe(text);
    }
  });

  it('install.yaml has the same objects as the overlay cluster-wide', async () => {
    const known = (text: string) =>
      parseAllDocuments(text)
        .map((document) => document.toJS() as Manifest)
        .map(({ kind, metadata }) => `${kind} ${metadata.name.replace(/(-defaults)-\w+$/, '$1')}`)
        .sort();
    expect(known(read('install.yaml'))).toEqual(known(await kustomize('cluster-wide')));
  });

  it('the overlay namespaced has no right in the cluster, and the operator knows its namespace', async () => {
    const manifests = parseAllDocuments(await kustomize('namespaced')).map((document) => document.toJS() as Manifest);
    const bindings = manifests.filter(({ kind }) => kind.endsWith('Binding'));
    expect(bindings.map(({ kind, metadata }) => `${kind} ${metadata.namespace}`).sort()).toEqual([
      'RoleBinding ai',
      'RoleBinding local-model-operator',
    ]);
    const operator = manifests.find(({ kind }) => kind === 'Deployment');
    expect(operator?.spec.template.spec.containers[0].args).toContain('--namespaces=ai');
  });

  it('the defaults are such as the operator reads', () => {
    expect(readDefaults(read('base/defaults.yaml')).images.operator).toBe('local-model-operator:0.1.0');
  });
});

describe('on a real API server', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'lmo-manifests-'));
  const patience = { deadlineMs: 80_000 };
  let cluster: ControlPlane;

  beforeAll(async () => {
    cluster = await startControlPlane({ binaries: inject('binaries'), audit: true });
  });

  afterAll(async () => {
    await cluster?.stop();
    helm[Symbol.dispose]();
    rmSync(scratch, { recursive: true });
  });

  async function kubectl(...argv: string[]): Promise<string> {
    const { code, stdout, stderr } = await cluster.runKubectl(argv);
    expect(code, `kubectl ${argv.join(' ')}\n${stdout}${stderr}`).toBe(0);
    return stdout;
  }

  const conditionOf = async (path: string, type: string) => {
    const { body } = await cluster.call('GET', path);
    const { conditions = [] } =
      (body as { status?: { conditions?: { type: string; status: string; reason: string }[] } }).status ?? {};
    return conditions.find((condition) => condition.type === type);
  };

  it.each([
    ['on the client’s side', ['apply', '-f']],
    ['again, on the server’s side', ['apply', '--server-side', '--force-conflicts', '-f']],
  ])('install.yaml is applied %s', async (_title, argv) => {
    await kubectl(...argv, join(folder, 'install.yaml'));
    await kubectl('-n', RELEASE, 'rollout', 'status', `deployment/${RELEASE}`, '--timeout=80s');
  });

  it('kubectl apply -k of the overlay changes nothing the second time', async () => {
    const overlay = join(folder, 'overlays/cluster-wide');
    const versions = async () => [
      await kubectl(
        '-n',
        RELEASE,
        'get',
        'role,configmap,service,networkpolicy',
        '-o',
        'jsonpath={.items[*].metadata.resourceVersion}',
      ),
      await kubectl('-n', RELEASE, 'get', `deployment/${RELEASE}`, '-o', 'jsonpath={.metadata.generation}'),
      await kubectl('get', 'clusterrole', RELEASE, '-o', 'jsonpath={.metadata.resourceVersion}'),
    ];
    await kubectl('apply', '--server-side', '--force-conflicts', '-k', overlay);
    await kubectl('-n', RELEASE, 'rollout', 'status', `deployment/${RELEASE}`, '--timeout=80s');
    const before = await versions();
    await kubectl('apply', '--server-side', '--force-conflicts', '-k', overlay);
    expect(await versions()).toEqual(before);
  });

  it('the policy for models refuses what it says, in the namespaces that are marked, and lets the rest be', async () => {
    await kubectl('apply', '-f', join(folder, 'policies/models.yaml'));
    await kubectl('create', 'namespace', 'held');
    await kubectl('label', 'namespace', 'held', 'localmodels.dev/policy=enforced');
    const good = {
      runtime: 'Ollama',
      model: { name: 'qwen2.5:0.5b', digest: `sha256:${'2'.repeat(64)}` },
      api: { auth: { secretRef: { name: 'keys' } } },
      hardware: { preferred: { class: 'GPU', image: 'registry.example.org/ollama:1' }, fallback: [{ class: 'CPU' }] },
    };
    const tryIn = async (namespace: string, spec: object): Promise<string> => {
      const { status, body } = await cluster.call('POST', `${collection(namespace)}?dryRun=All`, {
        body: deployment('m', spec),
      });
      return status === 201 ? 'accepted' : (body as { message: string }).message;
    };
    const { digest: _, ...unpinned } = good.model;
    const { api: __, ...open } = good;
    const refused: [object, RegExp][] = [
      [{ ...good, image: 'docker.io/ollama/ollama:1' }, /images must come from/],
      [
        { ...good, hardware: { preferred: { class: 'CPU' }, fallback: [{ class: 'GPU', image: 'docker.io/x:1' }] } },
        /images must come from/,
      ],
      [{ ...good, model: unpinned }, /digest is not set/],
      [open, /auth is not set/],
      [{ ...good, pod: { serviceAccountName: 'admin' } }, /serviceAccountName is not for models/],
    ];
    // The API server takes a policy up when it gets to it.
    await waitFor(
      'the policy holds',
      async () => ((await tryIn('held', open)) !== 'accepted' ? true : undefined),
      patience,
    );
    for (const [spec, words] of refused) expect(await tryIn('held', spec)).toMatch(words);
    expect(await tryIn('held', good)).toBe('accepted');
    expect(await tryIn('held', { ...good, hardware: { residency: 'Report' } })).toBe('accepted');
    const foundry = { runtime: 'FoundryLocal', model: { name: 'Phi-4-mini-instruct-generic-cpu:5' }, api: good.api };
    expect(await tryIn('held', foundry)).toBe('accepted');
    expect(await tryIn('default', open)).toBe('accepted');
  });

  it('the operator has the rights to make a deployment Ready, and an autoscaler finds what it scales', {
    timeout: 240_000,
  }, async () => {
    const { body } = await cluster.call('GET', `/api/v1/namespaces/${RELEASE}/configmaps`);
    const config = (body as { items: Manifest[] }).items.find(({ metadata }) =>
      metadata.name.startsWith(`${RELEASE}-defaults-`),
    );
    const operator = await startInstalled(cluster, {
      namespace: RELEASE,
      name: RELEASE,
      defaults: config?.metadata.name ?? '',
    });
    try {
      await cluster.call('PATCH', `${collection('default')}/qwen?fieldManager=user`, {
        body: deployment('qwen', { runtime: 'Ollama', model: { name: 'qwen2.5:0.5b' } }),
        contentType: 'application/apply-patch+yaml',
      });
      await kubectl('wait', '--for=condition=Ready', 'lmd/qwen', '--timeout=80s');
      await kubectl('apply', '-f', join(folder, 'autoscaling/hpa.yaml'));
      // It looks every 15 seconds, and learns of new kinds every 30.
      await waitFor(
        'the autoscaler has found the scale of the deployment',
        async () => {
          const found = await conditionOf(
            '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/qwen',
            'AbleToScale',
          );
          return (found?.status === 'True' && found.reason === 'SucceededGetScale') || undefined;
        },
        patience,
      );
      await kubectl('scale', 'lmd/qwen', '--replicas=3');
      await kubectl('wait', 'lmd/qwen', '--for=jsonpath={.status.readyReplicas}=3', '--timeout=80s');
      const account = `system:serviceaccount:${RELEASE}:${RELEASE}`;
      expect(await refusals(cluster.auditLog ?? '', account)).toEqual([]);
    } finally {
      await operator.stop();
    }
  });
});

describe('autoscaling', () => {
  it.each(['hpa.yaml', 'keda.yaml'])('%s scales a deployment by a metric that exists', (file) => {
    const { spec } = parse(read(`autoscaling/${file}`));
    expect(spec.scaleTargetRef).toEqual({ apiVersion: `${GROUP}/v1alpha1`, kind: KIND, name: 'qwen' });
    const named = [...read(`autoscaling/${file}`).matchAll(/\blocalmodel_\w+/g)].map(([name]) => name);
    expect(named.length).toBeGreaterThan(0);
    for (const name of named) expect(Object.keys(metrics)).toContain(name);
  });

  it('scales up as slowly and down as late with KEDA as without', () => {
    const [plain, keda] = ['hpa.yaml', 'keda.yaml'].map((file) => parse(read(`autoscaling/${file}`)).spec);
    expect(keda.advanced.horizontalPodAutoscalerConfig.behavior).toEqual(plain.behavior);
  });
});

describe('for Flux and Argo CD', () => {
  it.each(['gitops/flux/operator.yaml', 'gitops/argocd/application.yaml'])(
    '%s is YAML with a kind for each document',
    (file) => {
      const documents = parseAllDocuments(read(file));
      for (const document of documents) {
        expect(document.errors).toEqual([]);
        expect(document.toJS()).toMatchObject({ apiVersion: expect.stringContaining('/'), kind: expect.any(String) });
      }
    },
  );

  it.skipIf(!program)('the values that Flux gives are values of the chart', async () => {
    const release = parseAllDocuments(read('gitops/flux/operator.yaml'))
      .map((document) => document.toJS() as Manifest)
      .find(({ kind }) => kind === 'HelmRelease');
    const file = join(tmpdir(), `lmo-flux-values-${process.pid}.yaml`);
    writeFileSync(file, stringify(release?.spec.values));
    await expect(helm.template(['--values', file])).resolves.toBeDefined();
    rmSync(file);
  });
});
