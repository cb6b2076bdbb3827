import { describe, expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { strategyOf } from '../../../src/children/rollout.ts';
import { gpu, podInput } from './input.ts';

const recreate = { type: 'Recreate' };
const surge = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } };
const swap = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } };

function strategy(fields: Partial<Spec>) {
  const { settings, choice } = podInput(fields);
  return strategyOf(settings, choice);
}

const ownClaim = (...accessModes: ('ReadWriteOnce' | 'ReadWriteOncePod' | 'ReadWriteMany')[]): Partial<Spec> => ({
  storage: {
    type: 'PersistentVolumeClaim',
    persistentVolumeClaim: { size: '1Gi', ...(accessModes.length > 0 && { accessModes }) },
  },
});
const broughtClaim: Partial<Spec> = {
  storage: { type: 'PersistentVolumeClaim', persistentVolumeClaim: { claimName: 'theirs' } },
};
const volumeSource: Partial<Spec> = { model: { name: 'm', source: { volume: { claimName: 'theirs' } } } };
const imageSource: Partial<Spec> = { model: { name: 'm', source: { image: { reference: 'i' } } } };
const device: Partial<Spec> = { hardware: gpu.hardware };

describe('Auto', () => {
  test.each<[string, Partial<Spec>, object]>([
    ['surges on CPU, where a new pod needs nothing of the old one', {}, surge],
    ['surges with a model from an image', imageSource, surge],
    ['surges with a claim that every node may mount', ownClaim('ReadWriteMany'), surge],
    ['surges with a claim that may also be mounted by many', ownClaim('ReadWriteOnce', 'ReadWriteMany'), surge],
    ['replaces a single pod that holds a device', device, recreate],
    ['replaces a single pod whose claim is for one node by default', ownClaim(), recreate],
    ['replaces a single pod whose claim is for one pod', ownClaim('ReadWriteOncePod'), recreate],
    ['replaces a single pod on a claim that others made', broughtClaim, recreate],
    ['replaces a single pod whose model lies on a volume that others made', volumeSource, recreate],
    ['replaces a device pod also when scaled to zero', { ...device, replicas: 0 }, recreate],
    ['swaps several pods with devices one by one', { ...device, replicas: 3 }, swap],
    ['swaps several pods on a claim for one node', { ...ownClaim(), replicas: 2 }, swap],
    ['swaps several pods on a claim that others made', { ...broughtClaim, replicas: 2 }, swap],
  ])('%s', (_, fields, expected) => {
    expect(strategy(fields)).toEqual(expected);
  });
});

describe('a strategy that was asked for', () => {
  test('Recreate is Recreate, also on CPU', () => {
    expect(strategy({ rollout: { strategy: 'Recreate' } })).toEqual(recreate);
  });

  test('RollingUpdate surges only where that cannot deadlock', () => {
    const rollout = { strategy: 'RollingUpdate' } as const;
    expect(strategy({ rollout })).toEqual(surge);
    expect(strategy({ rollout, ...device })).toEqual(swap);
    expect(strategy({ rollout, ...ownClaim() })).toEqual(swap);
  });
});
