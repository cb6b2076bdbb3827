// The templates of the chart that are made from src: rules, how the image starts the operator, and the CustomResourceDefinition.
import { stringify } from 'yaml';
import { customResourceDefinition } from '../../../api/crd.ts';
import { clusterRules, leaseRules, namespacedRules } from '../../../operator/permissions.ts';
import { operatorLaunch } from '../../build/launch.ts';
import { editRules, viewRules } from '../userRules.ts';

const yaml = (value: unknown): string =>
  stringify(value, { lineWidth: 120, aliasDuplicateObjects: false, version: '1.1' });

const define = (name: string, content: unknown): string =>
  `{{- define "lmo.${name}" -}}\n${yaml(content).trimEnd()}\n{{- end }}\n`;

type Bare = Readonly<Record<'apiGroups' | 'resources' | 'verbs', readonly string[]>>;

const rules = (list: readonly Bare[]) =>
  list.map(({ apiGroups, resources, verbs }) => ({ apiGroups, resources, verbs }));

/** Named templates with the rules of every role. */
export const rulesTemplate = (): string =>
  [
    define('namespacedRules', rules(namespacedRules)),
    define('clusterRules', rules(clusterRules)),
    define('leaseRules', rules(leaseRules)),
    define('viewRules', rules(viewRules)),
    define('editRules', rules(editRules)),
  ].join('\n');

export const NODE = '/nodejs/bin/node';

/** Named templates with the operator's command and environment. */
export const launchTemplate = (): string =>
  [
    define('command', [NODE, ...operatorLaunch.nodeFlags, '/app/operator.js']),
    define(
      'env',
      Object.entries(operatorLaunch.env).map(([name, value]) => ({ name, value })),
    ),
  ].join('\n');

/** Text in which Helm finds nothing to fill in. */
const literal = (text: string): string => text.replaceAll('{{', '{{ "{{" }}');

const metadata = `metadata:
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
  labels:
    {{- include "lmo.labels" . | nindent 4 }}
`;

/** The CustomResourceDefinition, installed and upgraded with the release. */
export function crdTemplate(): string {
  const text = literal(yaml(customResourceDefinition()));
  if (/^ {2}(annotations|labels):$/m.test(text.slice(0, text.indexOf('\nspec:'))))
    throw new Error(
      'the CustomResourceDefinition has labels or annotations of its own: put them together with the chart’s',
    );
  return `{{- if .Values.crds.enabled }}\n${text.replace('metadata:\n', metadata)}{{- end }}\n`;
}
