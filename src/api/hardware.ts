// The ladder of hardware: what the user would like best, and what will do.
import * as z from 'zod';
import { cel } from './cel.ts';
import * as f from './fields.ts';
import { modelName } from './model.ts';
import { env, tolerations } from './podFields.ts';

export const deviceClasses = ['CPU', 'GPU', 'NPU'] as const;

const resourceClaim = cel(
  z.strictObject({
    name: f.labelName.describe('Name of the claim inside the pod.'),
    resourceClaimName: f.objectName.optional().describe('A ResourceClaim that exists, shared by all pods.'),
    resourceClaimTemplateName: f.objectName
      .optional()
      .describe('A template that each pod gets a claim of its own from.'),
  }),
  {
    rule: 'has(self.resourceClaimName) != has(self.resourceClaimTemplateName)',
    message: 'give either resourceClaimName or resourceClaimTemplateName',
    holds: (self) => (self.resourceClaimName === undefined) !== (self.resourceClaimTemplateName === undefined),
  },
);

const rung = cel(
  z.strictObject({
    class: z.enum(deviceClasses).describe('Class of device.'),
    vendor: f.labelName
      .optional()
      .describe('Such as nvidia, amd, intel; default: the first that the runtime can use and the cluster offers.'),
    count: z.int32().min(1).max(64).optional().describe('Devices per pod; default 1.'),
    resources: f.resources.optional().describe('CPU and memory on this rung, in place of spec.resources.'),
    image: f.image
      .optional()
      .describe('Runtime image for this rung, for hardware that the default image has no backend for.'),
    model: z
      .strictObject({
        name: modelName.optional().describe('In place of spec.model.name.'),
        digest: f.digest.optional().describe('In place of spec.model.digest. Ollama only.'),
      })
      .optional()
      .describe('The model for this rung, where it differs by device (Foundry Local variant ids).'),
    nodeSelector: f.nodeSelector.optional(),
    tolerations: tolerations.optional(),
    runtimeClassName: f.objectName.optional().describe('RuntimeClass of the pods, such as nvidia.'),
    resourceName: z
      .string()
      .max(316)
      .regex(/^[a-z0-9.-]+\/[A-Za-z0-9._-]+$/, 'must be an extended resource such as nvidia.com/gpu')
      .optional()
      .describe('Extended resource to ask for, in place of the known one of the vendor.'),
    resourceClaims: f
      .mapOf(resourceClaim, 8, 'name')
      .min(1)
      .optional()
      .describe('Claims of dynamic resource allocation, in place of an extended resource.'),
    supplementalGroups: f
      .setOf(z.int32().min(0), 32)
      .optional()
      .describe('Groups that may open the device (render, video).'),
    env: env.optional(),
    whenAbsent: z
      .enum(['Skip', 'Wait'])
      .optional()
      .describe('Skip (default): pass over when no node offers the device. Wait: for node pools that scale from zero.'),
  }),
  {
    rule: "self.class != 'CPU' || !(has(self.vendor) || has(self.count) || has(self.resourceName) || has(self.resourceClaims) || has(self.whenAbsent))",
    message:
      'a CPU rung asks for no device; remove vendor, count, resourceName, resourceClaims and whenAbsent, or choose class GPU or NPU',
    holds: (self) =>
      self.class !== 'CPU' ||
      (self.vendor ?? self.count ?? self.resourceName ?? self.resourceClaims ?? self.whenAbsent) === undefined,
  },
  {
    rule: '!(has(self.resourceName) && has(self.resourceClaims))',
    message: 'resourceName and resourceClaims are two ways to ask for the same device; keep one',
    holds: (self) => !(self.resourceName !== undefined && self.resourceClaims !== undefined),
  },
  {
    rule: '!(has(self.count) && has(self.resourceClaims))',
    message: 'with resourceClaims the claim says how many devices; remove count',
    holds: (self) => !(self.count !== undefined && self.resourceClaims !== undefined),
  },
);

export const hardware = cel(
  z.strictObject({
    preferred: rung.optional().describe('What to run on if it can be had; default CPU.'),
    fallback: f
      .atomicListOf(rung, 7)
      .optional()
      .describe('What to run on otherwise, in order; default none: then the deployment says why it cannot be placed.'),
    fallbackAfterSeconds: f
      .seconds(10, 86_400)
      .optional()
      .describe('How long no pod may have been scheduled before the next rung is tried; default 600.'),
    residency: z
      .enum(['Required', 'Report'])
      .optional()
      .describe(
        'Required (default): a model that is partly on the CPU is not Ready. Report: it is only said. For GPU and NPU rungs.',
      ),
  }),
  {
    rule: '!has(self.fallback) || self.fallback.size() == 0 || has(self.preferred)',
    message: 'fallback needs something to fall back from; set preferred, or move the first fallback there',
    fieldPath: '.preferred',
    holds: ({ preferred, fallback }) => !fallback?.length || preferred !== undefined,
  },
).describe('Which hardware to run on: the preferred rung of the ladder first, then the fallbacks in order.');

export type Rung = z.output<typeof rung>;
export type DeviceClass = Rung['class'];
export type Hardware = z.output<typeof hardware>;
