import { expect, test } from 'vitest';
import { spec } from '../../../src/api/schema.ts';
import { runtimes } from '../../../src/runtimes/catalogue.ts';

test('every runtime of the schema is there under its own name', () => {
  expect(Object.keys(runtimes).sort()).toEqual([...spec.shape.runtime.options].sort());
  for (const [name, runtime] of Object.entries(runtimes)) expect(runtime.name).toBe(name);
});

test('every runtime runs on the CPU, and says why a class that it lacks is lacking', () => {
  for (const { backends, lacks } of Object.values(runtimes)) {
    expect(backends).toContainEqual({ class: 'CPU' });
    for (const deviceClass of ['CPU', 'GPU', 'NPU'] as const)
      expect(backends.some((backend) => backend.class === deviceClass)).not.toBe(lacks[deviceClass] !== undefined);
  }
});
