import { expect, test } from 'vitest';
import { deviceClassFactsOf, nodeFactsOf } from '../../../src/placement/nodeFacts.ts';

const object = (kind: string, name: string) => ({ apiVersion: 'v1', kind, metadata: { name, labels: { zone: 'a' } } });

test('keeps labels, taints, devices, CPU and memory of a node, and nothing else', () => {
  const facts = nodeFactsOf({
    ...object('Node', 'gpu-1'),
    spec: {
      unschedulable: true,
      taints: [
        { key: 'nvidia.com/gpu', effect: 'NoSchedule' },
        { key: 'team', value: 'ml', effect: 'NoExecute' },
      ],
    },
    status: {
      allocatable: {
        cpu: '8',
        memory: '32Gi',
        pods: '110',
        'hugepages-2Mi': '0',
        'attachable-volumes-aws-ebs': '25',
        'nvidia.com/gpu': '2',
      },
    },
  });
  expect(facts).toEqual({
    name: 'gpu-1',
    labels: { zone: 'a' },
    allocatable: { cpu: '8', memory: '32Gi', 'nvidia.com/gpu': '2' },
    taints: [
      { key: 'nvidia.com/gpu', effect: 'NoSchedule' },
      { key: 'team', value: 'ml', effect: 'NoExecute' },
    ],
    unschedulable: true,
  });
});

test('a node that has said nothing yet offers nothing', () => {
  expect(nodeFactsOf({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'new' } })).toEqual({
    name: 'new',
    labels: {},
    allocatable: {},
    taints: [],
    unschedulable: false,
  });
});

test('a DeviceClass is its name and the extended resource that it stands for', () => {
  expect(
    deviceClassFactsOf({
      ...object('DeviceClass', 'gpu.nvidia.com'),
      spec: { extendedResourceName: 'nvidia.com/gpu' },
    }),
  ).toEqual({
    name: 'gpu.nvidia.com',
    extendedResourceName: 'nvidia.com/gpu',
  });
  expect(deviceClassFactsOf(object('DeviceClass', 'plain'))).toEqual({ name: 'plain' });
});
