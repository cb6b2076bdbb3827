import { expect, test } from 'vitest';
import { metricsService } from '../../../src/children/metricsService.ts';
import { podInput } from './input.ts';

test('metrics are found also of pods that are not ready', () => {
  expect(metricsService(podInput()).spec).toMatchObject({ clusterIP: 'None', publishNotReadyAddresses: true });
});
