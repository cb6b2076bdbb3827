// Where the model is kept between starts of a pod.
import * as z from 'zod';
import { cel } from './cel.ts';
import * as f from './fields.ts';

const ownClaim = '(has(self.claimName) || has(oldSelf.claimName))';
const anotherClaim = 'make a new deployment, or delete this one and its claim first';

const claim = cel(
  z.strictObject({
    size: cel(f.size, {
      rule: '!isQuantity(self) || !isQuantity(oldSelf) || quantity(self).compareTo(quantity(oldSelf)) >= 0',
      message: 'size can only grow; to shrink, make a new deployment with a smaller claim',
      onChange: true,
    })
      .optional()
      .describe('Such as 20Gi. It can only grow, and only if the storage class allows expansion.'),
    storageClassName: f.objectName.optional().describe("Default: the cluster's default class."),
    accessModes: f
      .setOf(z.enum(['ReadWriteOnce', 'ReadWriteOncePod', 'ReadWriteMany']), 3)
      .min(1)
      .optional()
      .describe('Default ReadWriteOnce. Replicas on several nodes need ReadWriteMany.'),
    claimName: f.objectName.optional().describe('Use a claim that exists; the operator never changes or deletes it.'),
    whenDeleted: z
      .enum(['Delete', 'Retain'])
      .optional()
      .describe('What becomes of the claim when the deployment is deleted; default Delete.'),
  }),
  {
    rule: 'has(self.size) != has(self.claimName)',
    message: 'give either size (the operator makes the claim) or claimName (a claim that exists), not both or neither',
    holds: ({ size, claimName }) => (size === undefined) !== (claimName === undefined),
  },
  {
    rule: '!has(self.claimName) || !(has(self.storageClassName) || has(self.accessModes) || has(self.whenDeleted))',
    message:
      'claimName names a claim that exists; remove storageClassName, accessModes and whenDeleted, which its owner decides',
    holds: ({ claimName, storageClassName, accessModes, whenDeleted }) =>
      claimName === undefined || (storageClassName ?? accessModes ?? whenDeleted) === undefined,
  },
  {
    rule: "!has(self.accessModes) || self.accessModes.size() == 1 || !('ReadWriteOncePod' in self.accessModes)",
    message: 'ReadWriteOncePod cannot be combined; remove the other access modes',
    fieldPath: '.accessModes',
    holds: ({ accessModes }) => !accessModes?.includes('ReadWriteOncePod') || accessModes.length === 1,
  },
  {
    rule: `${ownClaim} || (has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName))`,
    message: `storageClassName cannot be changed; ${anotherClaim}`,
    fieldPath: '.storageClassName',
    onChange: true,
  },
  {
    rule: `${ownClaim} || (has(self.accessModes) == has(oldSelf.accessModes) && (!has(self.accessModes) || self.accessModes == oldSelf.accessModes))`,
    message: `accessModes cannot be changed; ${anotherClaim}`,
    fieldPath: '.accessModes',
    onChange: true,
  },
);

export const storage = cel(
  z.strictObject({
    type: z
      .enum(['Ephemeral', 'PersistentVolumeClaim'])
      .optional()
      .describe('Ephemeral (default): every new pod pulls again. PersistentVolumeClaim: pulled once, kept.'),
    ephemeral: z
      .strictObject({ sizeLimit: f.size.optional().describe('Such as 20Gi; default: no limit but the disk.') })
      .optional()
      .describe('For type Ephemeral.'),
    persistentVolumeClaim: claim.optional().describe('For type PersistentVolumeClaim.'),
  }),
  {
    rule: "has(self.type) && self.type == 'PersistentVolumeClaim' ? has(self.persistentVolumeClaim) && !has(self.ephemeral) : !has(self.persistentVolumeClaim)",
    message:
      'the member must match the type: persistentVolumeClaim with type PersistentVolumeClaim, ephemeral with type Ephemeral',
    holds: ({ type, ephemeral, persistentVolumeClaim }) =>
      type === 'PersistentVolumeClaim'
        ? persistentVolumeClaim !== undefined && ephemeral === undefined
        : persistentVolumeClaim === undefined,
  },
).describe('The store that the model is kept in.');
