import { expect, test } from 'vitest';
import type { Spec } from '../../../src/api/schema.ts';
import { clientService } from '../../../src/children/clientService.ts';
import { podInput } from './input.ts';

test('clients find the API by name and never the admin port, whatever kind of Service they asked for', () => {
  const specOf = (fields: Partial<Spec>) => clientService(podInput(fields)).spec;
  const { type, ports } = specOf({ network: { service: { type: 'LoadBalancer' } } }) as {
    type: string;
    ports: unknown;
  };
  expect(type).toBe('LoadBalancer');
  expect(ports).toEqual([{ name: 'http', port: 8080, targetPort: 'http', protocol: 'TCP', appProtocol: 'http' }]);
  expect(specOf({ network: { service: { headless: true } } })).toHaveProperty('clusterIP', 'None');
  expect(specOf({})).not.toHaveProperty('clusterIP');
});

test('a Service before TLS says so', () => {
  const { spec } = clientService(podInput({ api: { tls: { secretRef: { name: 'cert' } } } }));
  expect(spec).toMatchObject({ ports: [{ appProtocol: 'https' }] });
});
