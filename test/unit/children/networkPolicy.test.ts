import { expect, test } from 'vitest';
import { networkPolicy } from '../../../src/children/networkPolicy.ts';
import { podInput } from './input.ts';

interface Rule {
  from?: unknown[];
  ports: { protocol: string; port: number }[];
}

function rules(...given: Parameters<typeof podInput>) {
  return networkPolicy(podInput(...given))?.spec as { ingress: Rule[]; egress: Rule[]; policyTypes: string[] };
}

const ruleFor = (ingress: Rule[], port: number) =>
  ingress.filter(({ ports }) => ports.some((own) => own.port === port));

test('is not made where the user switched it off', () => {
  expect(networkPolicy(podInput({ network: { policy: { enabled: false } } }))).toBeUndefined();
});

test('lets pods of the own namespace call unless told who may', () => {
  expect(ruleFor(rules().ingress, 8080)).toEqual([
    { from: [{ podSelector: {} }], ports: [{ protocol: 'TCP', port: 8080 }] },
  ]);
  const peer = { ipBlock: { cidr: '10.0.0.0/8' } };
  const { ingress } = rules({ api: { port: 8000 }, network: { policy: { from: [peer] } } });
  expect(ruleFor(ingress, 8000)[0]?.from).toEqual([peer]);
});

test('callers never reach the admin port by being callers', () => {
  const { ingress } = rules({ network: { policy: { from: [{ namespaceSelector: {} }] } } });
  expect(ruleFor(ingress, 9090).map(({ from }) => from)).toEqual([[{ podSelector: {} }]]);
});

test('Prometheus and the operator reach the admin port, each namespace named once', () => {
  const defaults = { monitoringNamespaces: ['monitoring', 'operators'], operatorNamespace: 'operators' };
  const [admin] = ruleFor(rules({}, { defaults }).ingress, 9090);
  expect(admin?.from).toContainEqual({
    namespaceSelector: {
      matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['monitoring', 'operators'] }],
    },
  });
});

test('nothing leaves a pod whose model comes from an image', () => {
  const { egress, policyTypes } = rules({ model: { name: 'm', source: { image: { reference: 'i' } } } });
  expect(policyTypes).toContain('Egress');
  expect(egress).toEqual([]);
});

test('a pull reaches the proxy of the cluster', () => {
  const { egress } = rules({}, { defaults: { pullProxy: { httpsProxy: 'http://proxy.example.org:3128' } } });
  expect(egress.at(-1)?.ports).toContainEqual({ protocol: 'TCP', port: 3128 });
});

test('a pull reaches names and registries, and no other port', () => {
  const ports = rules().egress.flatMap((rule) => rule.ports.map(({ protocol, port }) => `${protocol} ${port}`));
  expect(ports.sort()).toEqual(['TCP 443', 'TCP 53', 'TCP 5353', 'TCP 80', 'UDP 53', 'UDP 5353']);
});
