// The reference page of every field of the resource.
import { openApiSchema, type SchemaNode } from '../../api/crd.ts';
import { GROUP, KIND, VERSION } from '../../api/types.ts';
import { code, page, table } from './markdown.ts';

const intro = `# ${KIND}

Every field of \`${GROUP}/${VERSION}\`. What you leave out stays out of the object: the defaults below are filled in by the operator
and those that apply are shown in \`status.effective\`. Only \`spec.replicas\` is filled in by the API server, because
autoscalers read it there. \`kubectl explain lmd.spec\` shows the same on the command line.`;

const typeOf = (node: SchemaNode): string => {
  if (node['x-kubernetes-int-or-string']) return 'integer or string';
  if (node.items) return `list of ${typeOf(node.items)}s`;
  if (node.additionalProperties) return `map to ${typeOf(node.additionalProperties)}`;
  return node.format === 'date-time' ? 'time' : (node.type ?? '');
};

/** The default is part of the description, so that `kubectl explain` has it too. */
export function defaultOf({ default: filledIn, description = '' }: SchemaNode): string {
  if (filledIn !== undefined) return String(filledIn);
  const named =
    /(\S+) \(default\)/.exec(description) ??
    /(?:^|[;.,] )[Dd]efault(?:,[^:]*)?:? ([^;.]+(?:\.\w[^;.]*)*)/.exec(description);
  return named?.[1]?.replace(/:$/, '') ?? '';
}

function range(least: number | undefined, most: number | undefined, unit: string): string {
  if (least !== undefined && most !== undefined) return `${least}–${most}${unit}`;
  if (least !== undefined) return `≥ ${least}${unit}`;
  return most !== undefined ? `≤ ${most}${unit}` : '';
}

function boundsOf(node: SchemaNode, required: boolean): string {
  const values = node.enum ?? node.items?.enum;
  const pattern = node.pattern ?? node.items?.pattern;
  return [
    required ? 'required' : '',
    values ? values.map((value) => code(String(value))).join(', ') : '',
    range(node.minimum, node.maximum, ''),
    range(node.minLength, node.maxLength, ' characters'),
    range(node.minItems, node.maxItems, ' items'),
    range(undefined, node.maxProperties, ' entries'),
    node['x-kubernetes-list-type'] === 'set' ? 'no duplicates' : '',
    node['x-kubernetes-list-map-keys'] ? `unique by ${node['x-kubernetes-list-map-keys'].join(' and ')}` : '',
    pattern ? code(pattern) : '',
  ]
    .filter(Boolean)
    .join('; ');
}

interface Place {
  path: string;
  node: SchemaNode;
  required: boolean;
}

/** Where a block of fields was written out first, by its content: a rung or a tolerations list is explained once. */
type Known = Map<string, string>;

const childrenOf = ({ path, node }: Place): Place[] => {
  const suffix = node.items ? '[]' : '';
  const { properties = {}, required = [] } = node.items ?? node;
  return Object.entries(properties).map(([name, child]) => ({
    path: `${path}${suffix}.${name}`,
    node: child,
    required: required.includes(name),
  }));
};

function rowsOf(place: Place, known: Known): string[][] {
  const { path, node, required } = place;
  const children = childrenOf(place);
  const content = children.length > 1 ? JSON.stringify(children.map((child) => child.node)) : '';
  const same = known.get(content);
  const more = same ? ` Fields as in ${code(same)}.` : '';
  const row = [code(path), typeOf(node), defaultOf(node), boundsOf(node, required), `${node.description ?? ''}${more}`];
  if (same) return [row];
  if (content) known.set(content, node.items ? `${path}[]` : path);
  return [row, ...children.flatMap((child) => rowsOf(child, known))];
}

/** Every rule below a node, with the path that it blames. */
export function rulesOf(node: SchemaNode, path: string): { path: string; message: string; rule: string }[] {
  const own = (node['x-kubernetes-validations'] ?? []).map(({ fieldPath = '', message, rule }) => ({
    path: `${path}${fieldPath}`.replace(/^\./, ''),
    message,
    rule,
  }));
  const below = Object.entries(node.properties ?? {}).flatMap(([name, child]) => rulesOf(child, `${path}.${name}`));
  const items = node.items ? rulesOf(node.items, `${path}[]`) : [];
  const values = node.additionalProperties ? rulesOf(node.additionalProperties, `${path}.*`) : [];
  return [...own, ...below, ...items, ...values];
}

const head = ['Field', 'Type', 'Default', 'Bounds', 'Meaning'];

function section(place: Place, known: Known): string {
  const { path, node } = place;
  const [own, ...rows] = rowsOf(place, known);
  const about = node.description ?? '';
  return page(`### ${path}`, about, table(head, rows.length > 0 ? rows : [own ?? []])).trimEnd();
}

/** The page, as Markdown. */
export function apiReference(): string {
  const root = openApiSchema();
  const known: Known = new Map();
  const parts = (name: 'spec' | 'status') => {
    const node = root.properties?.[name] ?? {};
    const children = childrenOf({ path: name, node, required: true });
    const plain = children.filter(({ node: child }) => !child.properties && !child.items?.properties);
    const blocks = children.filter((child) => !plain.includes(child));
    const simple = plain.flatMap((place) => rowsOf(place, known));
    return [`## ${name}`, node.description ?? '', table(head, simple), ...blocks.map((place) => section(place, known))];
  };
  const rules = rulesOf(root, '').map(({ path, message }) => [code(path), message]);
  return page(
    intro,
    ...parts('spec'),
    ...parts('status'),
    '## Rules',
    'What fields must obey together. The API server refuses what breaks a rule, with this message.',
    table(['Field', 'Rule'], rules),
  );
}
