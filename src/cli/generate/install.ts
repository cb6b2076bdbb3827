// manifests/install.yaml: everything in one file, for who has neither Helm nor kustomize at hand.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { customResourceDefinition } from '../../api/crd.ts';

const folder = resolve(import.meta.dirname, '../../../manifests');
const read = (path: string): string => readFileSync(resolve(folder, path), 'utf8');
const objectsIn = (path: string): unknown[] => parseAllDocuments(read(path)).map((document) => document.toJS());

const NAME = 'local-model-operator';

const defaults = () => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: `${NAME}-defaults`, namespace: NAME },
  data: { 'defaults.yaml': read('base/defaults.yaml').replace(/^#.*\n/, '') },
});

/** The objects of the overlay cluster-wide, in the order in which they can be made. */
export const installObjects = (): unknown[] => [
  ...objectsIn('base/namespace.yaml'),
  customResourceDefinition(),
  ...objectsIn('overlays/cluster-wide/rbac.yaml'),
  defaults(),
  ...objectsIn('base/operator.yaml'),
];
