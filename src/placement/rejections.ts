// Every reason for which a rung of the ladder is passed over: code, record, docs and tests read this one table.

interface RejectionMeaning {
  because: string;
  /** For the owner of the deployment, or of the cluster. */
  cure: string;
}

export const rejections = {
  NoBackend: {
    because: 'the runtime has no program for the device, and the rung brings no `image`',
    cure: 'give the rung an `image`, or take another runtime',
  },
  NoLinuxExecutionProvider: {
    because:
      'Foundry Local has an execution provider for the class (NPU) on other systems only, and the rung brings no `image`',
    cure: 'give the rung an `image` that has one, or a lower rung',
  },
  Unsuitable: {
    because:
      'class, vendor and `resourceName` contradict each other, or the vendor is not in the table and the rung names no resource',
    cure: 'correct the rung',
  },
  NotOffered: {
    because:
      "no node that fits the rung's `nodeSelector` and `tolerations` offers `count` of the resource, and no DeviceClass stands for it",
    cure: 'install the device plugin; or `whenAbsent: Wait`',
  },
  NotScheduledInTime: {
    because: 'no pod of the decision was ever scheduled within `fallbackAfterSeconds` (600)',
    cure: "read the scheduler's words in the condition",
  },
} as const satisfies Record<string, RejectionMeaning>;

export type RejectionReason = keyof typeof rejections;

export const rejectionReasons = Object.keys(rejections) as RejectionReason[];
