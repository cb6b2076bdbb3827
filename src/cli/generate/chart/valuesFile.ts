// values.yaml: every value with its default, and above it what it means.
import { stringify } from 'yaml';
import { isSection, type ValueNode, valuesSchema } from './values.ts';

const WIDTH = 120;

/** Lines of a comment, none longer than the page is wide. */
function comment(text: string, indent: string): string[] {
  const lines: string[] = [];
  let line = `${indent}#`;
  for (const word of text.split(/\s+/).filter(Boolean)) {
    if (`${line} ${word}`.length > WIDTH) {
      lines.push(line);
      line = `${indent}#`;
    }
    line = `${line} ${word}`;
  }
  return text ? [...lines, line] : [];
}

const allowed = (values: readonly unknown[] | undefined): string => (values ? `${values.join(', ')}. ` : '');

function assignment(name: string, value: unknown, indent: string): string[] {
  const yaml = stringify({ [name]: value }, { lineWidth: 0, version: '1.1' }).trimEnd();
  return yaml.split('\n').map((line) => `${indent}${line}`);
}

function lines(name: string, node: ValueNode, indent: string): string[] {
  const { description = '', enum: values, properties = {} } = node;
  const head = comment(`${allowed(values)}${description}`, indent);
  if (isSection(node)) {
    const members = Object.entries(properties).flatMap(([member, child]) => lines(member, child, `${indent}  `));
    return [...head, `${indent}${name}:`, ...members];
  }
  return [...head, ...assignment(name, node.default, indent)];
}

/** The file below its header. */
export function valuesFile(): string {
  const { properties = {} } = valuesSchema();
  const written = Object.entries(properties).filter(([, node]) => isSection(node) || node.default !== undefined);
  return written.map(([name, node]) => `${lines(name, node, '').join('\n')}\n`).join('\n');
}
