// Chart.yaml, with what Artifact Hub shows.
import { stringify } from 'yaml';
import { builtInDefaults } from '../../../api/defaults.ts';
import { GROUP, KIND, localModelDeployments, VERSION } from '../../../api/types.ts';
import type { Release } from '../../../process/release.ts';

const yaml = (value: unknown): string => stringify(value, { lineWidth: 120, aliasDuplicateObjects: false });

const smallest = {
  apiVersion: `${GROUP}/${VERSION}`,
  kind: KIND,
  metadata: { name: 'phi4-mini' },
  spec: { runtime: 'Ollama', model: { name: 'phi4-mini:3.8b' } },
};

const annotations = () => ({
  'artifacthub.io/category': 'ai-machine-learning',
  'artifacthub.io/license': 'Apache-2.0',
  'artifacthub.io/operator': 'true',
  'artifacthub.io/operatorCapabilities': 'Seamless Upgrades',
  'artifacthub.io/prerelease': 'true',
  'artifacthub.io/crds': yaml([
    {
      kind: KIND,
      version: VERSION,
      name: `${localModelDeployments.plural}.${GROUP}`,
      displayName: 'Local model deployment',
      description: 'A language model that is served on the cluster by Ollama or Foundry Local',
    },
  ]),
  'artifacthub.io/crdsExamples': yaml([smallest]),
  'artifacthub.io/images': yaml(
    Object.entries(builtInDefaults.images)
      .filter(([name]) => name !== 'operator')
      .map(([name, image]) => ({ name: name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`), image })),
  ),
});

/** Chart and operator have one version: they are released together. */
export const chartFile = ({ name, version, description }: Release): string =>
  yaml({
    apiVersion: 'v2',
    name,
    version,
    appVersion: version,
    description,
    type: 'application',
    // Native sidecars are there since 1.29 and stable since 1.33.
    kubeVersion: '>= 1.33.0-0',
    keywords: ['llm', 'ollama', 'foundry-local', 'inference', 'operator', 'gpu', 'npu'],
    annotations: annotations(),
  });
