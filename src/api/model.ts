// Which model, from where, and how sure one wants to be of it.
import * as z from 'zod';
import * as f from './fields.ts';

const url = z
  .string()
  .max(2048)
  .regex(/^https?:\/\/[^\s/]+(\/[^\s]*)?$/, 'must be a URL such as https://mirror.example.org');

const registry = z.strictObject({
  mirrors: f.atomicListOf(url, 8).optional().describe("Tried in order before the reference's own host."),
  plainHttp: z.boolean().optional().describe('Talk http to the registry; default false.'),
  credentialsSecretRef: f.localRef('Secret of type kubernetes.io/dockerconfigjson.').optional(),
  identitySecretRef: f.localRef("Secret with Ollama's own key, entry id_ed25519.").optional(),
  caBundleRef: z
    .strictObject({ kind: z.enum(['ConfigMap', 'Secret']), name: f.objectName, key: z.string().min(1).max(253) })
    .optional()
    .describe('Certificates (PEM) to trust beside the public ones.'),
  bandwidthLimit: f.size.optional().describe('Bytes per second for one pull, such as 50Mi; default: no limit.'),
});

const source = f.cel(
  z.strictObject({
    registry: registry.optional().describe('A model registry; default: the public one of the runtime.'),
    image: z
      .strictObject({ reference: f.image, pullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).optional() })
      .optional()
      .describe(
        'An OCI image that holds a store or a GGUF, mounted as an image volume. Experimental: needs kubelet and container runtime support.',
      ),
    volume: z
      .strictObject({
        claimName: f.objectName,
        path: z
          .string()
          .max(1024)
          .regex(/^[^/\s][^\s]*$/, 'must be relative to the root of the volume')
          .optional(),
      })
      .optional()
      .describe('A claim that is filled already; mounted read-only.'),
  }),
  {
    rule: '[has(self.registry), has(self.image), has(self.volume)].filter(given, given).size() <= 1',
    message: 'a model comes from one source; keep one of registry, image and volume',
  },
  {
    rule: "!has(self.volume) || !has(self.volume.path) || !self.volume.path.split('/').exists(part, part == '..')",
    message: 'path must stay inside the volume; remove ..',
    fieldPath: '.volume.path',
  },
);

export const model = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(512)
      .regex(/^[^\s]+$/, 'must be a model reference without spaces')
      .describe('Ollama reference ([host/][namespace/]model[:tag]), or Foundry Local alias or variant id.'),
    digest: f.digest.optional().describe('Ollama only: serve this manifest and nothing else.'),
    expect: z
      .strictObject({
        quantization: z.string().min(1).max(64).optional(),
        family: z.string().min(1).max(64).optional(),
        minContext: z.int32().min(1).optional(),
      })
      .optional()
      .describe('Checked against the file; a mismatch is refused.'),
    servedNames: f
      .setOf(
        z
          .string()
          .min(1)
          .max(256)
          .regex(/^[^\s]+$/),
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
  .describe('The model.');

export type Model = z.output<typeof model>;
