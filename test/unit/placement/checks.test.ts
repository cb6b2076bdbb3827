import { describe, expect, test } from 'vitest';
import type { Rung } from '../../../src/api/hardware.ts';
import { specRejection, worldRejection } from '../../../src/placement/checks.ts';
import type { PodDemands } from '../../../src/placement/offers.ts';
import type { World } from '../../../src/placement/world.ts';
import { foundryLocal } from '../../../src/runtimes/foundryLocal.ts';
import { ollama } from '../../../src/runtimes/ollama.ts';
import { node, nvidia, worldOf } from './cluster.ts';

describe('a rung that only its owner can mend', () => {
  test.each<[Rung, typeof ollama, string, string]>([
    [{ class: 'NPU' }, ollama, 'NoBackend', 'Ollama has no NPU backend; give the rung an image that brings one'],
    [
      { class: 'NPU', vendor: 'intel' },
      foundryLocal,
      'NoLinuxExecutionProvider',
      'Foundry Local on Linux has no NPU execution provider; give the rung an image that brings one',
    ],
    [
      { class: 'GPU', vendor: 'amd' },
      foundryLocal,
      'NoBackend',
      'Foundry Local on Linux has no backend for GPU amd, only for nvidia; give the rung an image that brings one',
    ],
    [
      { class: 'GPU', resourceName: 'gpu.intel.com/xe' },
      foundryLocal,
      'NoBackend',
      'Foundry Local on Linux has no backend for GPU intel, only for nvidia; give the rung an image that brings one',
    ],
    [
      { class: 'GPU', vendor: 'furiosa' },
      ollama,
      'NoBackend',
      'Ollama on Linux has no backend for GPU furiosa, only for nvidia, amd and intel; give the rung an image that brings one',
    ],
    [
      { class: 'NPU', vendor: 'hailo', image: 'x' },
      ollama,
      'Unsuitable',
      'no resource of NPU hailo is known (known: intel, qualcomm and huawei); give the rung its resourceName or resourceClaims',
    ],
    [
      { class: 'GPU', vendor: 'nvidia', resourceName: 'amd.com/gpu' },
      ollama,
      'Unsuitable',
      "amd.com/gpu is GPU amd, not GPU nvidia; correct the rung's class, vendor or resourceName",
    ],
    [
      { class: 'GPU', resourceName: 'npu.intel.com/accel' },
      ollama,
      'Unsuitable',
      "npu.intel.com/accel is NPU intel, not GPU; correct the rung's class, vendor or resourceName",
    ],
  ])('%j', (rung, runtime, reason, message) =>
    expect(specRejection(rung, { runtime, pod: {} })).toMatchObject({ class: rung.class, reason, message }),
  );

  test.each<Rung>([
    { class: 'CPU' },
    { class: 'GPU' },
    { class: 'GPU', vendor: 'intel' },
    { class: 'GPU', resourceName: 'example.com/gpu' },
    { class: 'GPU', vendor: 'nvidia', resourceName: 'nvidia.com/mig-1g.5gb' },
    { class: 'NPU', vendor: 'hailo', resourceName: 'hailo.ai/h8', image: 'x' },
    { class: 'NPU', vendor: 'hailo', resourceClaims: [{ name: 'npu', resourceClaimTemplateName: 't' }], image: 'x' },
  ])('%j is none', (rung) => expect(specRejection(rung, { runtime: ollama, pod: {} })).toBeUndefined());
});

const rejection = (rung: Rung, world: World, pod: PodDemands = {}) =>
  worldRejection(rung, { runtime: ollama, pod, world })?.message;

const INSTALL = "install the vendor's device plugin, or set whenAbsent: Wait if nodes with it are made on demand";

describe('what the cluster does not offer is said in words', () => {
  test.each<[string, Rung, World, string]>([
    ['no node at all', nvidia, worldOf(node('a')), `no node offers nvidia.com/gpu; ${INSTALL}`],
    [
      'a plugin without healthy devices',
      nvidia,
      worldOf(node('a', { 'nvidia.com/gpu': '0' })),
      `no node offers nvidia.com/gpu; ${INSTALL}`,
    ],
    [
      'no vendor at all',
      { class: 'GPU' },
      worldOf(),
      `no node offers nvidia.com/gpu, amd.com/gpu, gpu.intel.com/i915 or gpu.intel.com/xe; ${INSTALL}`,
    ],
    [
      'too few on one node',
      { ...nvidia, count: 4 },
      worldOf(node('a', { 'nvidia.com/gpu': '2' }), node('b', { 'nvidia.com/gpu': '1' })),
      '2 nodes offer nvidia.com/gpu but none has 4 of them (2 at most); lower count, or add a larger node',
    ],
    [
      'other labels',
      { ...nvidia, nodeSelector: { disk: 'ssd' } },
      worldOf(node('a', { 'nvidia.com/gpu': '1' })),
      '1 node offers nvidia.com/gpu but none has the labels disk=ssd; change nodeSelector, or label a node',
    ],
    [
      'a taint',
      nvidia,
      worldOf(node('a', { 'nvidia.com/gpu': '1' }, { taints: [{ key: 'team', value: 'ml', effect: 'NoSchedule' }] })),
      '1 node offers nvidia.com/gpu but none can be entered: a has the taint team=ml:NoSchedule; add a toleration to the rung',
    ],
    [
      'an architecture that the image is not made for',
      { class: 'GPU', vendor: 'amd' },
      worldOf(node('a', { 'amd.com/gpu': '1' }, { labels: { 'kubernetes.io/arch': 'arm64' } })),
      '1 node offers amd.com/gpu but none has the labels kubernetes.io/arch=amd64; change nodeSelector, or label a node',
    ],
    [
      'parts only',
      nvidia,
      worldOf(node('a', { 'nvidia.com/mig-1g.10gb': '7', 'nvidia.com/gpu.shared': '4' })),
      `no node offers nvidia.com/gpu; parts of a device are there: set resourceName to nvidia.com/gpu.shared or nvidia.com/mig-1g.10gb; ${INSTALL}`,
    ],
    [
      'claims without the API',
      { class: 'GPU', resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 't' }] },
      worldOf(),
      'the cluster does not serve resource.k8s.io, which resourceClaims need; use resourceName, or Kubernetes 1.34 or later',
    ],
    [
      'claims without a driver',
      { class: 'GPU', resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 't' }] },
      { nodes: [], deviceClasses: [] },
      "there is no DeviceClass, which resourceClaims need; install the vendor's DRA driver",
    ],
  ])('%s', (_what, rung, world, message) => expect(rejection(rung, world)).toBe(message));
});

describe('the cluster offers it', () => {
  const gpuNode = (more = {}) => node('a', { 'nvidia.com/gpu': '2' }, more);

  test.each<[string, Rung, World, PodDemands?]>([
    ['with enough devices', { ...nvidia, count: 2 }, worldOf(gpuNode())],
    [
      'on a cordoned node: the decision outlives the cordon',
      nvidia,
      worldOf(
        gpuNode({ unschedulable: true, taints: [{ key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' }] }),
      ),
    ],
    [
      'on a node that is not ready just now',
      nvidia,
      worldOf(gpuNode({ taints: [{ key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' }] })),
    ],
    [
      'behind the taint that the plugin documents',
      nvidia,
      worldOf(gpuNode({ taints: [{ key: 'nvidia.com/gpu', value: 'present', effect: 'NoSchedule' }] })),
    ],
    [
      'behind a taint that the rung tolerates',
      { ...nvidia, tolerations: [{ key: 'team', value: 'ml' }] },
      worldOf(gpuNode({ taints: [{ key: 'team', value: 'ml', effect: 'NoSchedule' }] })),
    ],
    [
      'behind a taint that the pod tolerates',
      nvidia,
      worldOf(gpuNode({ taints: [{ key: 'team', effect: 'NoSchedule' }] })),
      { tolerations: [{ operator: 'Exists' }] },
    ],
    [
      'behind a taint that only prefers',
      nvidia,
      worldOf(gpuNode({ taints: [{ key: 'team', effect: 'PreferNoSchedule' }] })),
    ],
    [
      'behind a taint that a comparison may tolerate',
      { ...nvidia, tolerations: [{ key: 'sla', operator: 'Gt', value: '900' }] },
      worldOf(gpuNode({ taints: [{ key: 'sla', value: '950', effect: 'NoSchedule' }] })),
    ],
    [
      'under the labels of rung and pod',
      { ...nvidia, nodeSelector: { disk: 'ssd' } },
      worldOf(gpuNode({ labels: { disk: 'ssd', zone: 'a' } })),
      { nodeSelector: { zone: 'a' } },
    ],
    [
      'by a DeviceClass that names the resource',
      nvidia,
      { nodes: [], deviceClasses: [{ name: 'gpu.nvidia.com', extendedResourceName: 'nvidia.com/gpu' }] },
    ],
    [
      'by a DeviceClass that is the resource',
      { class: 'GPU', resourceName: 'deviceclass.resource.kubernetes.io/big' },
      { nodes: [], deviceClasses: [{ name: 'big' }] },
    ],
    [
      'by whoever answers claims',
      { class: 'GPU', resourceClaims: [{ name: 'gpu', resourceClaimName: 'c' }] },
      { nodes: [], deviceClasses: [{ name: 'big' }] },
    ],
    ['as far as we may know', nvidia, { nodes: [], deviceClasses: 'forbidden' }],
    [
      'as a part that was asked for',
      { class: 'GPU', resourceName: 'nvidia.com/mig-1g.10gb', count: 7 },
      worldOf(node('a', { 'nvidia.com/mig-1g.10gb': '7' })),
    ],
  ])('%s', (_what, rung, world, pod) => expect(rejection(rung, world, pod)).toBeUndefined());

  test.each<[string, Rung]>([
    ['another value', { ...nvidia, tolerations: [{ key: 'team', value: 'web' }] }],
    ['another effect', { ...nvidia, tolerations: [{ key: 'team', operator: 'Exists', effect: 'NoExecute' }] }],
    ['another key', { ...nvidia, tolerations: [{ key: 'squad', operator: 'Exists' }] }],
  ])('but not behind a taint when the toleration has %s', (_what, rung) =>
    expect(
      rejection(rung, worldOf(gpuNode({ taints: [{ key: 'team', value: 'ml', effect: 'NoSchedule' }] }))),
    ).toContain('team=ml:NoSchedule'),
  );
});
