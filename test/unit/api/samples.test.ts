import { describe, expect, it } from 'vitest';
import { openApiSchema, type SchemaNode } from '../../../src/api/crd.ts';
import { settingsOf } from '../../../src/api/defaults.ts';
import { parseSpec } from '../../../src/api/validate.ts';
import { warningsOf } from '../../../src/api/warnings.ts';
import { samples } from './samples.ts';

/** Paths of the members that a value sets, list items as []. */
function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item) => pathsOf(item, `${path}[]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, child]) => [`${path}.${name}`, ...pathsOf(child, `${path}.${name}`)]);
}

const declared = (node: SchemaNode, path = ''): string[] => [
  ...Object.entries(node.properties ?? {}).flatMap(([name, child]) => [
    `${path}.${name}`,
    ...declared(child, `${path}.${name}`),
  ]),
  ...(node.items ? declared(node.items, `${path}[]`) : []),
];

describe('samples', () => {
  it.each(samples)('$file is accepted without a warning', ({ object }) => {
    const parsed = parseSpec(object);
    if ('problems' in parsed) return expect(parsed.problems).toEqual([]);
    expect(warningsOf(settingsOf(object.metadata.name, parsed.spec), parsed.spec)).toEqual([]);
  });

  it('bear different names, so that they can be applied together', () => {
    const names = samples.map(({ object }) => object.metadata.name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThanOrEqual(13);
  });

  it('show every block and every choice of the spec at least once', () => {
    const shown = new Set(samples.flatMap(({ object }) => pathsOf(object.spec)));
    const missing = declared(openApiSchema().properties?.spec ?? {}).filter((path) => !shown.has(path));
    // Blocks that stand in several places are shown in one of them.
    const elsewhere = /^\.hardware\.(preferred|fallback\[\])\.|^\.(pod\.(tolerations|topology)|network\.policy\.from)/;
    expect(missing.filter((path) => !elsewhere.test(path))).toEqual([
      '.foundryLocal',
      '.storage.ephemeral',
      '.storage.ephemeral.sizeLimit',
      '.storage.persistentVolumeClaim.claimName',
      '.pod.env[].valueFrom.secretKeyRef',
      '.pod.env[].valueFrom.secretKeyRef.name',
      '.pod.env[].valueFrom.secretKeyRef.key',
      '.pod.env[].valueFrom.secretKeyRef.optional',
      '.pod.env[].valueFrom.configMapKeyRef.optional',
      '.pod.securityContext.seLinuxOptions.user',
      '.pod.securityContext.seLinuxOptions.role',
      '.pod.securityContext.seLinuxOptions.type',
    ]);
  });
});
