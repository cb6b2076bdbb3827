// What is said when an image is packed: sizes, digests, and what to write into a deployment.
import { stringify } from 'yaml';
import { formatBytes } from '../../models/bytes.ts';
import { shortReference } from '../../models/reference.ts';
import type { Packed } from './archive.ts';
import type { PackedModel } from './contents.ts';
import { formatImageName, type ImageName } from './imageName.ts';

/** The part of a LocalModelDeployment that serves the model from the image. */
const snippetOf = ({ reference, digest }: PackedModel, name: ImageName): unknown => ({
  spec: {
    model: {
      name: shortReference(reference),
      digest,
      source: { image: { reference: formatImageName(name) } },
    },
  },
});

const line = (...columns: readonly string[]): string => `  ${columns.join('  ')}`;

export interface Report {
  readonly path: string;
  readonly name: ImageName;
  readonly models: readonly PackedModel[];
  readonly packed: Packed;
}

/** Several lines; the last ones are YAML to paste. */
export function reportText({ path, name, models, packed }: Report): string {
  const sections = [
    `${path}  ${formatBytes(packed.size)} (${packed.size} bytes)`,
    `image ${formatImageName(name)}\n${line(packed.digest, `${packed.layers.length} layers`)}`,
    ...packed.layers.map(({ digest, size, title }) => line(digest, formatBytes(size).padStart(9), title)),
    ...models.map(
      ({ reference, digest, size }) =>
        `model ${shortReference(reference)}\n${line(digest, formatBytes(size).padStart(9))}`,
    ),
  ];
  const snippets = models.map((model) => stringify(snippetOf(model, name), { lineWidth: 0 }));
  return `${sections.join('\n')}\n\nInto the LocalModelDeployment, once a registry or the nodes have the image:\n\n${snippets.join('---\n')}`;
}
