// Every file that is made from src. A new one is one more entry.
import { stringify } from 'yaml';
import { customResourceDefinition } from '../../api/crd.ts';
import { apiReference } from './apiReference.ts';
import { argoConfig } from './argo.ts';
import { chartOutputs } from './chart/outputs.ts';
import { conditionsReference } from './conditionsReference.ts';
import { installObjects } from './install.ts';
import { metricsReference } from './metricsReference.ts';
import { operatorMetricsReference } from './operatorMetrics.ts';
import { operatorReference } from './operatorReference.ts';

export interface Output {
  /** From the root of the repository. */
  path: string;
  /** The whole file, with its header. */
  render(): string;
}

const COMMAND = 'npm run generate';
const notice = (source: string): string => `Made from ${source} by \`${COMMAND}\`; do not edit.`;

/** kubectl reads YAML 1.1, in which a bare Off or yes is no string: such words are quoted. */
const yamlOptions = { lineWidth: 120, aliasDuplicateObjects: false, version: '1.1' } as const;

/** YAML with a header that says where it comes from. */
const yamlFile = (source: string, content: unknown): string =>
  `# ${notice(source)}\n${stringify(content, yamlOptions)}`;

/** Several YAML documents in one file. */
const yamlFiles = (source: string, contents: readonly unknown[]): string =>
  `# ${notice(source)}\n${contents.map((content) => stringify(content, yamlOptions)).join('---\n')}`;

/** Markdown with a header that says where it comes from, unseen by the reader. */
const markdownFile = (source: string, content: string): string => `<!-- ${notice(source)} -->\n\n${content}`;

export const outputs: readonly Output[] = [
  {
    path: 'crds/localmodels.dev_localmodeldeployments.yaml',
    render: () => yamlFile('src/api', customResourceDefinition()),
  },
  { path: 'docs/reference/api.md', render: () => markdownFile('src/api', apiReference()) },
  { path: 'docs/reference/conditions.md', render: () => markdownFile('src/api/conditions.ts', conditionsReference()) },
  {
    path: 'docs/reference/metrics.md',
    render: () => markdownFile('src/gateway/metricsCatalogue.ts', metricsReference()),
  },
  {
    path: 'docs/reference/operator-metrics.md',
    render: () => markdownFile('src/operator and src/kube', operatorMetricsReference()),
  },
  {
    path: 'docs/reference/operator.md',
    render: () => markdownFile('src/operator/config.ts and src/operator/permissions.ts', operatorReference()),
  },
  { path: 'manifests/base/crd.yaml', render: () => yamlFile('src/api', customResourceDefinition()) },
  {
    path: 'manifests/install.yaml',
    render: () => yamlFiles('manifests/base and manifests/overlays/cluster-wide', installObjects()),
  },
  {
    path: 'manifests/gitops/argocd/argocd-cm.yaml',
    render: () => yamlFile('manifests/gitops/argocd/health.lua', argoConfig()),
  },
  ...chartOutputs(notice),
];
