// The rights that the operator is given against the calls that its code makes. The calls are read out of the sources that go into its
// bundle: every use of the Kubernetes client, with the resource that is handed to it. Where that is a variable, what it may be stands
// below, and a call that is neither plain nor listed fails the test, so that somebody looks.
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { localModelDeployments } from '../../../src/api/types.ts';
import { programs } from '../../../src/cli/build/bundle.ts';
import type { Client } from '../../../src/kube/client.ts';
import { resources } from '../../../src/kube/resources.ts';
import type { Resource } from '../../../src/kube/types.ts';
import { childKinds } from '../../../src/operator/caches.ts';
import { clusterRules, leaseRules, namespacedRules } from '../../../src/operator/permissions.ts';
import { allowed, deedName } from '../../integration/deeds.ts';

const root = resolve(import.meta.dirname, '../../..');

/** What the API server asks RBAC for. An apply may make what it applies. */
const verbs = {
  get: ['get'],
  list: ['list'],
  pages: ['list'],
  watch: ['watch'],
  create: ['create'],
  replace: ['update'],
  apply: ['patch', 'create'],
  applyStatus: ['patch'],
  remove: ['delete'],
  raw: [],
} as const satisfies Record<keyof Client, readonly string[]>;

type Wanted = Pick<Resource, 'group' | 'plural'>;

const children = Object.values(childKinds);
const withSpec = children.filter(({ kind }) => kind !== 'ConfigMap');
const reflected = [...children, localModelDeployments, resources.pod, resources.customResourceDefinition];
const countedElsewhere: readonly Wanted[] = [];
const everybodyMay: readonly Wanted[] = [];

/** By call: what its first argument may be. */
const variables: Readonly<Record<string, readonly Wanted[]>> = {
  'src/operator/apply.ts apply(resource)': children,
  'src/operator/apply.ts get(resourceOf(child))': children,
  // Claims are never removed (plan.ts); pods are, that pulled another digest than the lock.
  'src/operator/apply.ts remove(resource)': [
    ...children.filter(({ kind }) => kind !== 'PersistentVolumeClaim'),
    resources.pod,
  ],
  'src/operator/forcedApply.ts apply(resource)': children,
  // Only for what has a spec: all but the lock.
  'src/operator/forcedApply.ts get(resource)': withSpec,
  'src/operator/forcedApply.ts replace(resource)': withSpec,
  'src/operator/forcedApply.ts replace(resourceOf(stored))': withSpec,
  'src/operator/podWarnings.ts list(coreEvents)': [{ group: '', plural: 'events' }],
  'src/kube/reflector.ts watch(resource)': reflected,
  'src/kube/snapshot.ts pages(resource)': reflected,
  // Hands on what reflectors ask for.
  'src/operator/caches.ts watch()': countedElsewhere,
  'src/operator/caches.ts pages(resource)': countedElsewhere,
  // Discovery, the version, and what one may do: every user that is known may ask (system:discovery, system:basic-user).
  "src/kube/discovery.ts raw('GET')": everybodyMay,
  "src/kube/access.ts raw('POST')": everybodyMay,
  // Of an operator outside the cluster: apiProxyRules, which no shipped role has.
  "src/operator/gatewayThroughApi.ts raw('GET')": countedElsewhere,
};

interface Source {
  path: string;
  text: string;
}

/** Of all that goes into the bundle, what knows of the client. */
let sources: readonly Source[];

beforeAll(async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [programs.operator],
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    write: false,
    metafile: true,
  });
  sources = Object.keys(metafile.inputs)
    .filter((path) => path !== 'src/kube/client.ts')
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => /import .*\bClient\b.* from '.*\/client\.ts';/.test(text));
});

interface Call {
  method: keyof Client;
  /** The first argument, as it is written; empty where the method is only named. */
  argument: string;
  where: string;
}

const use = /(?<![/\w.])client\??\.(\w+)(?:<\w+>)?(?:\(([\w.']+(?:\(\w+\))?))?/g;

const callsIn = ({ path, text }: Source): Call[] =>
  [...text.matchAll(use)].map(([, method = '', argument = '']) => ({
    method: method as keyof Client,
    argument,
    where: `${path} ${method}(${argument})`,
  }));

function resourcesOf({ argument, where }: Call): readonly Wanted[] {
  if (argument === 'localModelDeployments') return [localModelDeployments];
  const [, name = ''] = /^resources\.(\w+)$/.exec(argument) ?? [];
  const found = name in resources ? [resources[name as keyof typeof resources]] : variables[where];
  if (!found) throw new Error(`${where}: say in the table what this may be`);
  return found;
}

const deedsOf = (call: Call): string[] =>
  resourcesOf(call).flatMap(({ group, plural }) =>
    verbs[call.method].map((verb) =>
      deedName(verb, `${plural}${call.method === 'applyStatus' ? '/status' : ''}`, group),
    ),
  );

describe('the calls of the operator', () => {
  it('are all found: the client has one name, and nothing is taken out of it', () => {
    expect(sources.length).toBeGreaterThan(10);
    for (const { path, text } of sources) {
      const names = [...text.matchAll(/(\w+)\??: (?:Pick<)?Client\b/g)].map(([, name]) => name);
      expect(new Set([...names, 'client']), path).toEqual(new Set(['client']));
      expect(text, path).not.toMatch(/\} = client\b|= client;|\bclient\[/);
    }
    const found = sources.flatMap(callsIn).map(({ where }) => where);
    expect(Object.keys(variables).filter((where) => !found.includes(where))).toEqual([]);
  });

  it('need every right that the role has, and none that it lacks', () => {
    const needed = new Set(sources.flatMap(callsIn).flatMap(deedsOf));
    const may = allowed([...namespacedRules, ...clusterRules, ...leaseRules]);
    expect(
      [...needed].filter((deed) => !may.includes(deed)),
      'missing',
    ).toEqual([]);
    expect(
      may.filter((deed) => !needed.has(deed)),
      'superfluous',
    ).toEqual([
      // Asked about by an admission plugin (OwnerReferencesPermissionEnforcement) when children are made.
      'update localmodeldeployments/finalizers.localmodels.dev',
    ]);
  });
});
