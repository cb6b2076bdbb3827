// What the chart makes of values: against files that a person has reviewed (UPDATE_GOLDEN=1 writes them anew), the schema, and src.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, inject, it } from 'vitest';
import { parse, stringify } from 'yaml';
import * as z from 'zod';
import { builtInDefaults } from '../../src/api/defaults.ts';
import type { PodTemplate } from '../../src/children/pod.ts';
import { operatorLaunch } from '../../src/cli/build/launch.ts';
import { alerts } from '../../src/cli/generate/monitoring/alerts.ts';
import { fileSchema, flags, readConfig, readDefaults } from '../../src/operator/config.ts';
import { clusterRules, leaseRules, namespacedRules, type Rule } from '../../src/operator/permissions.ts';
import { restrictedViolations } from '../property/restricted.ts';
import { chart, type Manifest, NAMESPACE, openHelm, RELEASE, root } from './helm.ts';

const program = inject('helm');
const helm = openHelm(program);
/** Why is told once, at the start of the run. */
const suite = describe.skipIf(!program);
const home = mkdtempSync(join(tmpdir(), 'lmo-values-'));
afterAll(() => {
  helm[Symbol.dispose]();
  rmSync(home, { recursive: true });
});

const folder = join(root, 'test/chart');
const sets = readdirSync(join(folder, 'values')).map((file) => file.replace('.yaml', ''));
const rendered = (set: string) => helm.template(['--values', join(folder, 'values', `${set}.yaml`)]);

const keyOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.namespace ?? ''}/${metadata.name}`;
const find = (manifests: Manifest[], kind: string, name = RELEASE): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata.name === name);
  if (!found) throw new Error(`no ${kind} ${name} among ${manifests.map(keyOf).join(', ')}`);
  return found;
};

/** Without what is long, made from src and reviewed there. */
function shortened(manifest: Manifest): Manifest {
  if (manifest.kind === 'CustomResourceDefinition') return { ...manifest, spec: 'as in crds/' };
  if (manifest.metadata.name.includes('-dashboard-'))
    return {
      ...manifest,
      data: Object.fromEntries(Object.keys(manifest.data).map((name) => [name, 'as in dashboards/'])),
    };
  return manifest;
}

const goldenOf = (set: string, manifests: Manifest[]): string =>
  [
    `# Made from ../values/${set}.yaml. To make it anew: UPDATE_GOLDEN=1 npx vitest run --project integration test/integration/chart.test.ts\n`,
    ...[...manifests]
      .sort((a, b) => keyOf(a).localeCompare(keyOf(b), 'en'))
      .map((manifest) => `---\n${stringify(shortened(manifest), { lineWidth: 0, aliasDuplicateObjects: false })}`),
  ].join('');

suite.each(sets)('the chart with %s', (set) => {
  it('passes helm lint --strict', async () => {
    const { code, stdout, stderr } = await helm.run([
      'lint',
      '--strict',
      chart,
      '--values',
      join(folder, 'values', `${set}.yaml`),
    ]);
    expect(code, stdout + stderr).toBe(0);
  });

  it('is as reviewed', async () => {
    const path = join(folder, 'golden', `${set}.yaml`);
    const text = goldenOf(set, await rendered(set));
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(path, text);
    expect(text).toBe(existsSync(path) ? readFileSync(path, 'utf8') : '');
  });

  it('makes pods that pass restricted Pod Security', async () => {
    for (const manifest of await rendered(set)) {
      const pod = manifest.kind === 'Pod' ? manifest : manifest.spec?.template;
      if (!pod?.spec?.containers) continue;
      const spec = { initContainers: [], volumes: [], ...pod.spec };
      expect(restrictedViolations({ spec } as unknown as PodTemplate)).toEqual([]);
    }
  });

  it('starts the operator with flags and defaults that it understands', async () => {
    const manifests = await rendered(set);
    const name = set === 'bare' ? 'lmo' : RELEASE;
    const [container] = find(manifests, 'Deployment', name).spec.template.spec.containers;
    const defaults = find(manifests, 'ConfigMap', `${name}-defaults`).data['defaults.yaml'];
    const config = readConfig(container.args, {}, (path) => {
      expect(path).toBe('/etc/local-model-operator/defaults.yaml');
      return defaults;
    });
    expect(config?.defaults.images.operator).toBe(container.image);
    expect(config?.leaseName).toBe(name);
    expect(container.command).toEqual(['/nodejs/bin/node', ...operatorLaunch.nodeFlags, '/app/operator.js']);
    expect(container.env).toEqual(Object.entries(operatorLaunch.env).map(([key, value]) => ({ name: key, value })));
    expect(find(manifests, 'Deployment', name).spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(
      (config?.graceMs ?? 0) / 1000,
    );
  });
});

const bare = (rules: readonly Rule[]) =>
  rules.map(({ apiGroups, resources, verbs }) => ({ apiGroups, resources, verbs }));

suite('roles', () => {
  it('cluster-wide are those of permissions.ts, no more and no less', async () => {
    const manifests = await rendered('default');
    expect(find(manifests, 'ClusterRole').rules).toEqual(bare([...namespacedRules, ...clusterRules]));
    expect(find(manifests, 'Role', `${RELEASE}-lease`).rules).toEqual(bare(leaseRules));
    expect(manifests.filter(({ kind }) => kind === 'Role')).toHaveLength(1);
  });

  it('for some namespaces are Roles there and nothing in the cluster', async () => {
    const manifests = await rendered('namespaced');
    const roles = manifests.filter(({ kind, metadata }) => kind === 'Role' && metadata.name === RELEASE);
    expect(roles.map(({ metadata }) => metadata.namespace)).toEqual(['ai', 'research']);
    for (const { rules } of roles) expect(rules).toEqual(bare(namespacedRules));
    expect(manifests.filter(({ kind }) => kind.startsWith('Cluster'))).toEqual([]);
    for (const { subjects } of manifests.filter(({ kind }) => kind === 'RoleBinding'))
      expect(subjects).toEqual([{ kind: 'ServiceAccount', name: RELEASE, namespace: NAMESPACE }]);
  });

  it('for some namespaces may read nodes, where that is asked for', async () => {
    const manifests = await rendered('namespaced-reads');
    expect(find(manifests, 'ClusterRole').rules).toEqual(bare(clusterRules));
  });

  it('never reach Secrets, nor more than they name', async () => {
    for (const set of sets)
      for (const { rules } of (await rendered(set)).filter(({ kind }) => /Role$/.test(kind))) {
        const all = (rules as Rule[]).flatMap(({ apiGroups, resources, verbs }) => [
          ...apiGroups,
          ...resources,
          ...verbs,
        ]);
        expect(all).not.toContain('*');
        expect(all).not.toContain('secrets');
      }
  });
});

interface Node {
  properties?: Record<string, Node>;
}

/** `pullProxy.noProxy` and the like, of all members that have a name. */
const pathsOf = ({ properties = {} }: Node): string[] =>
  Object.entries(properties).flatMap(([name, node]) => [name, ...pathsOf(node).map((path) => `${name}.${path}`)]);

const valueAt = (object: unknown, path: string): unknown =>
  path.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], object);

suite('values', () => {
  const typos: [string, string[]][] = [
    ['a value that does not exist', ['--set', 'replicas=3']],
    ['one below a section', ['--set', 'operator.replica=3']],
    ['a default that the operator does not know', ['--set', 'defaults.imagePullSecret=x']],
    ['an image that nobody hands out', ['--set', 'defaults.images.olama=x']],
    ['a word that is none of the choices', ['--set', 'modelPods.upgrade=Always']],
    ['a text for a number', ['--set-string', 'operator.workers=many']],
    ['no replica at all', ['--set', 'operator.replicas=0']],
    ['text for a list', ['--set', 'watchNamespaces=ai']],
    ['a registry with a scheme', ['--set', 'imageRegistry=https://registry.example.org']],
    ['a repository with a tag', ['--set', 'image.repository=registry.example.org/ai/operator:0.1.0']],
    ['a digest that is none', ['--set', 'image.digest=0123456789ab']],
    ['a proxy without a scheme', ['--set', 'defaults.pullProxy.httpsProxy=proxy.example.org:3128']],
    ['a proxy with a password', ['--set', 'defaults.pullProxy.httpsProxy=http://me:secret@proxy.example.org:3128']],
  ];
  it.each(typos)('refuse %s', async (_title, argv) => {
    await expect(helm.template(argv)).rejects.toThrow(/values don't meet the specifications of the schema/);
  });

  it('set every flag of the operator, but those that make sense outside a cluster only', async () => {
    const [container] = find(await rendered('namespaced'), 'Deployment').spec.template.spec.containers;
    const set = (container.args as string[]).map((arg) => arg.split('=')[0]);
    const outside = [
      '--kubeconfig',
      '--context',
      '--service-account',
      '--leader-elect',
      '--lease-namespace',
      '--admin-host',
      '--admin-port',
    ];
    expect([...set, ...outside].sort()).toEqual(flags.map(({ flag }) => flag).sort());
  });

  it('reach every member of the defaults file, at whatever depth', async () => {
    const { operator: _, ...images } = builtInDefaults.images;
    const wanted = {
      images: { ...images, ollama: 'own/ollama:1' },
      imagePullPolicy: 'Always',
      imagePullSecrets: ['mirror'],
      gatewayResources: { requests: { cpu: '100m' }, limits: { memory: '256Mi' } },
      pullResources: { requests: { cpu: '200m' }, limits: { memory: '512Mi' } },
      pullProxy: { httpsProxy: 'http://proxy:1', httpProxy: 'http://proxy:2', noProxy: '.local' },
      serviceMonitor: { labels: { release: 'prometheus' } },
      monitoringNamespaces: ['monitoring'],
      operatorNamespace: 'elsewhere',
      ids: { user: 1000, group: 1001, fsGroup: 1002 },
    };
    const path = join(home, 'values.yaml');
    writeFileSync(path, stringify({ defaults: wanted }));
    const manifests = await helm.template(['--values', path]);
    const made = find(manifests, 'ConfigMap', `${RELEASE}-defaults`).data['defaults.yaml'];
    expect(readDefaults(made)).toMatchObject(wanted);
    const members = pathsOf(z.toJSONSchema(fileSchema, { io: 'input' }) as Node);
    const operatorImage = 'images.operator'; // is `image` of the chart
    expect(members.filter((member) => member !== operatorImage && valueAt(wanted, member) === undefined)).toEqual([]);
  });

  it('say the images that this release pins', () => {
    const { defaults } = parse(readFileSync(join(chart, 'values.yaml'), 'utf8'));
    const { operator: _, ...images } = builtInDefaults.images;
    expect(defaults.images).toEqual(images);
  });

  it('move every image behind one registry, whatever it is called', async () => {
    const manifests = await helm.template([
      '--set',
      'imageRegistry=localhost:5000/x/',
      '--set',
      'defaults.images.ollama=own/ollama:1',
      '--set',
      'image.repository=ghcr.io/me/lmo',
    ]);
    const { images } = parse(find(manifests, 'ConfigMap', `${RELEASE}-defaults`).data['defaults.yaml']);
    expect(images).toMatchObject({
      operator: 'localhost:5000/x/me/lmo:0.1.0',
      ollama: 'localhost:5000/x/own/ollama:1',
      ollamaRocm: expect.stringMatching(/^localhost:5000\/x\/ollama\/ollama:.*-rocm$/),
      foundryLocal: expect.stringMatching(/^localhost:5000\/x\/local-model-operator\/foundry-local:/),
    });
  });

  it('change the pods of the operator when only the defaults change', async () => {
    const sum = async (argv: string[]) =>
      find(await helm.template(argv), 'Deployment').spec.template.metadata.annotations['checksum/defaults'];
    expect(await sum(['--set', 'defaults.monitoringNamespaces={a}'])).not.toBe(await sum([]));
  });
});

suite('alerts of the chart', () => {
  it('are all there, but those that are disabled, with a link to their page', async () => {
    const { spec } = find(await rendered('everything'), 'PrometheusRule');
    const rules = spec.groups.flatMap(
      ({ rules }: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }) => rules,
    );
    const names = Object.keys(alerts).filter((name) => name !== 'LocalModelSlowTokens');
    expect(rules.map(({ alert }: { alert: string }) => alert)).toEqual(names);
    for (const { alert, expr, annotations } of rules) {
      expect(expr).toBe(alerts[alert]?.expr);
      expect(annotations.runbook_url).toBe(`https://example.org/runbooks/${alert}.md`);
      expect(annotations.summary).toBe(alerts[alert]?.summary);
    }
  });
});

suite('dashboards of the chart', () => {
  it('arrive as they are', async () => {
    const manifests = (await rendered('everything')).filter(({ metadata }) => metadata.name.includes('-dashboard-'));
    expect(manifests).toHaveLength(3);
    for (const { data } of manifests)
      for (const [name, text] of Object.entries(data as Record<string, string>)) {
        const file = join(chart, 'dashboards', name.replace('local-model-', ''));
        expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(file, 'utf8')));
      }
  });
});
