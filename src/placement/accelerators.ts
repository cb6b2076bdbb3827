// The accelerators that we know by name. Only what a device plugin or DRA driver documents; anything else is had by
// `resourceName` or `resourceClaims` of a rung. A new accelerator is one row.
import type { DeviceClass } from '../api/hardware.ts';
import type { Toleration } from './decision.ts';

export interface Accelerator {
  readonly class: Exclude<DeviceClass, 'CPU'>;
  readonly vendor: string;
  /** For people. */
  readonly title: string;
  /** Extended resources that the device plugin registers, in the order in which they are looked for. */
  readonly resources: readonly string[];
  /**
   * Resources of the same plugin that stand for a part of a device. They are never chosen unasked, since a part has less
   * memory; a rung asks for one by `resourceName`. `*` stands for any characters but a slash.
   */
  readonly alsoOffered: readonly string[];
  /** DeviceClasses that the vendor's DRA driver installs, for `resourceClaims`. */
  readonly deviceClasses: readonly string[];
  /** Taint that the plugin's own manifests tolerate, so nodes may well have it. */
  readonly tolerations: readonly Toleration[];
  /** Label that the vendor's node labeller or operator documents as the sign that a node has the device. */
  readonly nodeLabel?: string;
}

/**
 * Order decides for a rung without a vendor. Groups (render, video) are in no row: their numbers differ from host to host
 * (ROCm/k8s-device-plugin issue 39), so only the user can know them.
 */
export const accelerators: readonly Accelerator[] = [
  {
    // NVIDIA/k8s-device-plugin README (MIG strategies, time slicing with renameByDefault) and
    // deployments/static/nvidia-device-plugin.yml (toleration); gpu-feature-discovery; NVIDIA DRA driver for GPUs.
    class: 'GPU',
    vendor: 'nvidia',
    title: 'NVIDIA GPU',
    resources: ['nvidia.com/gpu'],
    alsoOffered: ['nvidia.com/gpu.shared', 'nvidia.com/mig-*'],
    deviceClasses: ['gpu.nvidia.com', 'mig.nvidia.com'],
    tolerations: [{ key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' }],
    nodeLabel: 'nvidia.com/gpu.present=true',
  },
  {
    // ROCm/k8s-device-plugin docs/user-guide/configuration.md (naming strategy mixed: partitions); ROCm/gpu-operator (label);
    // DeviceClass of ROCm's DRA driver. Its manifests tolerate no taint of their own.
    class: 'GPU',
    vendor: 'amd',
    title: 'AMD GPU',
    resources: ['amd.com/gpu'],
    alsoOffered: ['amd.com/?px_nps*'],
    deviceClasses: ['gpu.amd.com'],
    tolerations: [],
    nodeLabel: 'feature.node.kubernetes.io/amd-gpu=true',
  },
  {
    // intel/intel-device-plugins-for-kubernetes cmd/gpu_plugin/README.md: the resource is named after the kernel driver, i915
    // for older devices, xe from Battlemage and Lunar Lake on; intel/intel-resource-drivers-for-kubernetes.
    class: 'GPU',
    vendor: 'intel',
    title: 'Intel GPU',
    resources: ['gpu.intel.com/i915', 'gpu.intel.com/xe'],
    alsoOffered: [],
    deviceClasses: ['gpu.intel.com'],
    tolerations: [],
    nodeLabel: 'intel.feature.node.kubernetes.io/gpu=true',
  },
  {
    // intel/intel-device-plugins-for-kubernetes cmd/npu_plugin/README.md: Meteor Lake and later; the user-mode driver must be
    // in the image.
    class: 'NPU',
    vendor: 'intel',
    title: 'Intel NPU',
    resources: ['npu.intel.com/accel'],
    alsoOffered: [],
    deviceClasses: [],
    tolerations: [],
    nodeLabel: 'intel.feature.node.kubernetes.io/npu=true',
  },
  {
    // quic/cloud-ai SDK, qaic-k8s-device-plugin; qualcomm/aic-operator uses the same string as a node label.
    class: 'NPU',
    vendor: 'qualcomm',
    title: 'Qualcomm Cloud AI',
    resources: ['qualcomm.com/qaic'],
    alsoOffered: [],
    deviceClasses: [],
    tolerations: [],
    nodeLabel: 'qualcomm.com/qaic=true',
  },
  {
    // Ascend device plugin, hiascend.com dlug_000226. The label differs by chip (accelerator=huawei-Ascend910 and so on).
    class: 'NPU',
    vendor: 'huawei',
    title: 'Huawei Ascend',
    resources: ['huawei.com/Ascend910', 'huawei.com/Ascend310P', 'huawei.com/Ascend310'],
    alsoOffered: [],
    deviceClasses: [],
    tolerations: [],
  },
];

const pattern = (glob: string) =>
  new RegExp(
    `^${glob
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '[^/]*')
      .replaceAll('?', '[^/]')}$`,
  );

/** Whether `resourceName` is one that this plugin documents for a part of a device. */
export const isPartOf = ({ alsoOffered }: Accelerator, resourceName: string): boolean =>
  alsoOffered.some((glob) => pattern(glob).test(resourceName));

/** The row whose plugin registers `resourceName`, whole device or part; undefined for resources we do not know. */
export const acceleratorOf = (resourceName: string): Accelerator | undefined =>
  accelerators.find((row) => row.resources.includes(resourceName) || isPartOf(row, resourceName));
