// Which model, from where, and how sure one wants to be of it.
import * as z from 'zod';
import { atMostOne, cel } from './cel.ts';
import * as f from './fields.ts';

/** Pattern: printable ASCII. What a runtime makes of a name is the runtime's check. */
export const modelName = z
  .string()
  .min(1)
  .max(512)
  .regex(/^[!-~]+$/, 'must be a model reference, without spaces');

const url = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[!-.0-~]+(\/[!-~]*)?$/, 'must be a URL such as https://mirror.example.org');

const registry = z.strictObject({
  mirrors: f.atomicListOf(url, 8).optional().describe("URLs that are tried in order before the reference's own host."),
  plainHttp: z.boolean().optional().describe('Talk http to the registry; default false.'),
  credentialsSecretRef: f.localRef('Secret of type kubernetes.io/dockerconfigjson.').optional(),
  identitySecretRef: f.localRef("Secret with Ollama's own key, entry id_ed25519. Ollama only.").optional(),
  caBundleRef: z
    .strictObject({
      kind: z.enum(['ConfigMap', 'Secret']).describe('Kind of the object.'),
      name: f.objectName.describe('Its name.'),
      key: f.entryKey.describe('Entry with the certificates.'),
    })
    .optional()
    .describe('Certificates (PEM) to trust beside the public ones.'),
  bandwidthLimit: f.size.optional().describe('Bytes per second for one pull, such as 50Mi; default: no limit.'),
});

const source = cel(
  z.strictObject({
    registry: registry.optional().describe('A model registry; default: the public one of the runtime.'),
    image: z
      .strictObject({
        reference: f.image.describe('Image reference; a digest (@sha256:…) makes it the same for ever.'),
        pullPolicy: z
          .enum(['Always', 'IfNotPresent', 'Never'])
          .optional()
          .describe('When the node pulls it; default as for containers.'),
      })
      .optional()
      .describe(
        'An OCI image that holds a store or a GGUF, mounted as an image volume. Experimental: needs kubelet and container runtime support.',
      ),
    volume: z
      .strictObject({
        claimName: f.objectName.describe('Name of the PersistentVolumeClaim.'),
        path: z
          .string()
          .max(1024)
          .regex(/^[!-.0-~][!-~]*$/, 'must be relative to the root of the volume')
          .optional()
          .describe('Folder in the volume; default its root.'),
      })
      .optional()
      .describe('A claim that is filled already; mounted read-only.'),
  }),
  {
    rule: '[has(self.registry), has(self.image), has(self.volume)].filter(given, given).size() <= 1',
    message: 'a model comes from one source; keep one of registry, image and volume',
    holds: ({ registry, image, volume }) => atMostOne(registry, image, volume),
  },
  {
    rule: "!has(self.volume) || !has(self.volume.path) || !self.volume.path.split('/').exists(part, part == '..')",
    message: 'path must stay inside the volume; remove ..',
    fieldPath: '.volume.path',
    holds: ({ volume }) => !volume?.path?.split('/').includes('..'),
  },
);

export const model = z
  .strictObject({
    name: modelName.describe(
      'Ollama reference ([host/][namespace/]model[:tag]), or Foundry Local alias or variant id.',
    ),
    digest: f.digest.optional().describe('Serve the model with this manifest digest and nothing else. Ollama only.'),
    expect: z
      .strictObject({
        quantization: z.string().min(1).max(64).optional().describe('Such as Q4_K_M.'),
        family: z.string().min(1).max(64).optional().describe('Such as qwen2.'),
        minContext: z.int32().min(1).optional().describe('Tokens of context that the model was trained for, at least.'),
      })
      .optional()
      .describe('Checked against the file; a mismatch is refused.'),
    servedNames: f
      .setOf(
        z
          .string()
          .min(1)
          .max(256)
          .regex(/^[!-~]+$/, 'must be a name without spaces'),
        16,
      )
      .min(1)
      .optional()
      .describe('Names that clients may use; default: model.name.'),
    verify: z
      .enum(['OnPull', 'OnStart'])
      .optional()
      .describe(
        'OnPull (default): hash what arrives, then trust names and sizes. OnStart: hash every file at each start of a pod.',
      ),
    source: source.optional().describe('Where the model comes from.'),
  })
  .describe('The model that is served.');

export type Model = z.output<typeof model>;
