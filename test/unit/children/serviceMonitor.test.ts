import { expect, test } from 'vitest';
import { clientService } from '../../../src/children/clientService.ts';
import { metricsService } from '../../../src/children/metricsService.ts';
import { serviceMonitor } from '../../../src/children/serviceMonitor.ts';
import { podInput } from './input.ts';

test('the ServiceMonitor selects the metrics Service and not the one of clients', () => {
  const input = podInput();
  const { selector } = (serviceMonitor(input)?.spec ?? {}) as { selector: { matchLabels: Record<string, string> } };
  const selects = (labels: Record<string, string> = {}) =>
    Object.entries(selector.matchLabels).every(([key, value]) => labels[key] === value);
  expect(selects(metricsService(input).metadata.labels)).toBe(true);
  expect(selects(clientService(input).metadata.labels)).toBe(false);
  expect(selects(metricsService(podInput({}, { name: 'other' })).metadata.labels)).toBe(false);
});

test('a ServiceMonitor carries the labels of chart and user, and is left out when unwanted', () => {
  const defaults = { serviceMonitor: { labels: { release: 'chart', team: 'platform' } } };
  const monitoring = { serviceMonitor: { labels: { release: 'mine' } } };
  expect(serviceMonitor(podInput({ monitoring }, { defaults }))?.metadata.labels).toMatchObject({
    release: 'mine',
    team: 'platform',
  });
  expect(serviceMonitor(podInput({ monitoring: { serviceMonitor: { enabled: false } } }))).toBeUndefined();
});
