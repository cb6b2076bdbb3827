import { describe, expect, it, test } from 'vitest';
import type { CatalogVariant } from '../../../src/foundryLocal/core.ts';
import { providers } from '../../../src/foundryLocal/providers.ts';
import { chooseVariant, refuseByName } from '../../../src/foundryLocal/variants.ts';

const { cpu, cuda } = providers;

const variant = (id: string, provider: string, alias = 'phi'): CatalogVariant => {
  const [name = '', version] = id.split(':');
  const device = provider.startsWith('CPU') ? 'CPU' : provider.startsWith('QNN') ? 'NPU' : 'GPU';
  return { id, name, version: Number(version), alias, device, provider, cached: false };
};

/** In the order in which the core prefers devices. */
const catalog = [
  variant('phi-qnn-npu:1', 'QNNExecutionProvider'),
  variant('phi-cuda-gpu:3', 'CUDAExecutionProvider'),
  variant('phi-generic-gpu:3', 'WebGpuExecutionProvider'),
  variant('phi-generic-cpu:3', 'CPUExecutionProvider'),
  variant('phi-generic-cpu:4', 'CPUExecutionProvider'),
  variant('other-generic-cpu:1', 'CPUExecutionProvider', 'other'),
];

describe('a name', () => {
  test.each([
    ['phi', cpu, 'phi-generic-cpu:4'],
    ['phi', cuda, 'phi-cuda-gpu:3'],
    ['phi-generic-cpu', cpu, 'phi-generic-cpu:4'],
    ['phi-generic-cpu:3', cpu, 'phi-generic-cpu:3'],
    ['phi', undefined, 'phi-qnn-npu:1'],
  ])('%s means on %o the variant %s', (reference, provider, id) => {
    expect(chooseVariant(reference, catalog, provider).id).toBe(id);
  });

  it('never means a variant for another class of device', () => {
    expect(() => chooseVariant('other', catalog, cuda)).toThrow(
      expect.objectContaining({
        reason: 'WrongDevice',
        message: 'other has no variant for GPU (CUDAExecutionProvider); there is other-generic-cpu:1',
      }),
    );
  });

  it('that the catalog does not have is told with what it has', () => {
    expect(() => chooseVariant('phy', catalog, cpu)).toThrow(
      expect.objectContaining({ reason: 'NotFound', message: 'the catalog has no phy; it has phi, other' }),
    );
    expect(() => chooseVariant('phy', [], cpu)).toThrow(/lists nothing for the devices of this pod/);
  });
});

describe('before anybody is asked', () => {
  test.each([
    ['phi-cuda-gpu:3', cpu, 'WrongDevice'],
    ['phi-generic-cpu:3', cuda, 'WrongDevice'],
    ['phi-qnn-npu:3', cuda, 'WrongDevice'],
    ['microsoft/phi-4-mini', cpu, 'InvalidReference'],
    ['../../etc/passwd', cpu, 'InvalidReference'],
    ['phi:latest', cpu, 'InvalidReference'],
    ['', cpu, 'InvalidReference'],
  ])('%j is refused on %o as %s', (reference, provider, reason) => {
    expect(() => refuseByName(reference, provider)).toThrow(expect.objectContaining({ reason }));
  });

  test.each([
    ['phi-4-mini', cpu],
    ['phi-generic-cpu:3', cpu],
    ['phi-qnn-npu:3', undefined],
    ['mine:7', cuda],
  ])('%s is let through on %o', (reference, provider) => {
    expect(() => refuseByName(reference, provider)).not.toThrow();
  });
});
