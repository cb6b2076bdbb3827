// README.md of the chart: how to install it, and every value.
import { defaultsMembers } from '../../../operator/config.ts';
import { code, page, table } from '../markdown.ts';
import { isSection, type ValueNode, valuesSchema } from './values.ts';

type Row = [name: string, fallback: string, meaning: string];

const shown = (value: unknown): string => (value === '' || value === undefined ? '' : code(JSON.stringify(value)));

function rowsOf(path: string, node: ValueNode): Row[] {
  const { properties = {}, description = '', enum: values, default: fallback } = node;
  if (isSection(node)) return Object.entries(properties).flatMap(([name, child]) => rowsOf(`${path}.${name}`, child));
  const allowed = values ? `${values.map((value) => code(String(value))).join(', ')}. ` : '';
  return [[code(path), shown(fallback), `${allowed}${description}`]];
}

const intro = `# The chart of local-model-operator

Installs the operator that runs language models as \`LocalModelDeployment\` objects say. Helm 4, or Helm 3 (tried with 3.22); Kubernetes 1.33 or newer.

\`\`\`sh
helm install local-model-operator charts/local-model-operator --namespace local-model-operator --create-namespace --wait \\
  --set image.repository=registry.example.org/local-model-operator
helm test local-model-operator --namespace local-model-operator
\`\`\`

No public registry has the images yet: [docs/install.md](../../docs/install.md) says how to build and push them, and leads to the first
answer of a model.

- The CustomResourceDefinition belongs to the release: \`helm upgrade\` upgrades it. On \`helm uninstall\` it stays (\`crds.keep\`), and with it
  every deployment and every model pod.
- A value that the chart does not know is refused, so a typo cannot pass for a setting.
- Nothing here restarts a model pod: [docs/upgrades.md](../../docs/upgrades.md).`;

/** The page, as Markdown. */
export function chartReadme(): string {
  const { properties = {} } = valuesSchema();
  const named = Object.entries(properties).filter(([name]) => name !== 'global');
  const single = named.filter(([, node]) => !isSection(node)).flatMap(([name, node]) => rowsOf(name, node));
  const sections = named.filter(([, node]) => isSection(node));
  const head = ['Value', 'Default', 'Meaning'];
  return page(
    intro,
    '## Values',
    table(head, single),
    `### ${code('defaults')}`,
    'What applies to every deployment that says nothing else. It becomes the operator’s file of defaults, so its members are those:',
    table(
      ['Value', 'Meaning'],
      defaultsMembers.map(({ name, help }) => [code(`defaults.${name}`), help]),
    ),
    ...sections.flatMap(([name, node]) => [
      `### ${code(name)}`,
      node.description ?? '',
      table(head, rowsOf(name, node)),
    ]),
  );
}
