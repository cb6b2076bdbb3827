import { expect, test } from 'vitest';
import { acceleratorOf, accelerators, isPartOf } from '../../../src/placement/accelerators.ts';
import { markdownTable, tableIn } from '../docsTable.ts';

const code = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ') || '–';

test('the table in docs/hardware.md is the table of the code', () => {
  const wanted = markdownTable(
    [
      'class',
      'vendor',
      'device',
      'resources, in order',
      'parts, by resourceName',
      'DeviceClasses',
      'tolerated taint',
      'node label',
    ],
    accelerators.map((row) => [
      row.class,
      row.vendor,
      row.title,
      code(row.resources),
      code(row.alsoOffered),
      code(row.deviceClasses),
      code(row.tolerations.map(({ key, effect }) => `${key}:${effect}`)),
      code(row.nodeLabel ? [row.nodeLabel] : []),
    ]),
  );
  expect(tableIn(new URL('../../../docs/hardware.md', import.meta.url), 'accelerators', wanted)).toBe(wanted);
});

test('no resource belongs to two rows, and no class has two rows of one vendor', () => {
  const resources = accelerators.flatMap((row) => row.resources);
  expect(new Set(resources).size).toBe(resources.length);
  const rows = accelerators.map((row) => `${row.class} ${row.vendor}`);
  expect(new Set(rows).size).toBe(rows.length);
});

test.each([
  ['nvidia.com/gpu', 'nvidia', false],
  ['nvidia.com/gpu.shared', 'nvidia', true],
  ['nvidia.com/mig-1g.10gb', 'nvidia', true],
  ['amd.com/gpu', 'amd', false],
  ['amd.com/cpx_nps4', 'amd', true],
  ['gpu.intel.com/xe', 'intel', false],
  ['huawei.com/Ascend310P', 'huawei', false],
])('knows whose %s is', (resource, vendor, part) => {
  const row = acceleratorOf(resource);
  expect(row?.vendor).toBe(vendor);
  expect(row && isPartOf(row, resource)).toBe(part);
});

test.each(['nvidia.com/gpuXshared', 'nvidia.com/mig', 'amd.com/npu', 'example.com/gpu', 'nvidia.com/mig-1g/x'])(
  'does not claim to know %s',
  (resource) => expect(acceleratorOf(resource)).toBeUndefined(),
);
