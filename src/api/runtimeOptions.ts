// How the runtime runs the model: what both runtimes have, and what only one has.
import * as z from 'zod';
import { cel } from './cel.ts';
import * as f from './fields.ts';
import { modelName } from './model.ts';

export const performance = z
  .strictObject({
    maxContext: z.int32().min(256).max(16_777_216).optional().describe('Tokens of context per request; default 4096.'),
    parallel: z
      .int32()
      .min(1)
      .max(256)
      .optional()
      .describe('Requests that the runtime works on at once; default 1. Memory grows with it.'),
    batchSize: z
      .int32()
      .min(1)
      .max(65_536)
      .optional()
      .describe('Tokens per batch while reading a prompt; default: the runtime decides. Ollama only.'),
    threads: z
      .int32()
      .min(1)
      .max(1024)
      .optional()
      .describe('CPU threads; default: the CPU limit, rounded down, at least 1.'),
    loadTimeoutSeconds: f
      .seconds(10, 86_400)
      .optional()
      .describe('Longest time that loading the model may take; default 600.'),
  })
  .describe('How the runtime runs the model.');

/** Parameters that have a field of their own: one owner for each choice. */
const owned = {
  num_ctx: 'spec.performance.maxContext',
  num_thread: 'spec.performance.threads',
  num_batch: 'spec.performance.batchSize',
  num_gpu: 'spec.ollama.gpuLayers',
} as const;

/** Ollama takes any name without a word and ignores what it does not know, so the list is here. */
const parameterNames = [
  'draft_num_predict',
  'frequency_penalty',
  'main_gpu',
  'min_p',
  'num_keep',
  'num_predict',
  'presence_penalty',
  'repeat_last_n',
  'repeat_penalty',
  'seed',
  'stop',
  'temperature',
  'top_k',
  'top_p',
  'typical_p',
  'use_mmap',
  ...(Object.keys(owned) as (keyof typeof owned)[]),
] as const;

const parameterName = cel(z.enum(parameterNames), {
  rule: `!(self in ['${Object.keys(owned).join("', '")}'])`,
  message: `this parameter has a field of its own; use ${Object.entries(owned)
    .map(([name, field]) => `${field} for ${name}`)
    .join(', ')}`,
  holds: (self) => !Object.hasOwn(owned, self),
});

const modelfile = z
  .strictObject({
    system: z.string().max(65_536).optional().describe('System prompt.'),
    template: z.string().max(65_536).optional().describe('Prompt template, in Go template syntax.'),
    parameters: f
      .atomicListOf(
        z.strictObject({
          name: parameterName.describe('Such as temperature.'),
          value: z.string().max(1024).describe('Always as a string, such as "0.2".'),
        }),
        64,
      )
      .optional()
      .describe('Parameters of the model; `stop` may stand several times.'),
    messages: f
      .atomicListOf(
        z.strictObject({
          role: z.enum(['system', 'user', 'assistant']).describe('Who says it.'),
          content: z.string().max(65_536).describe('What is said.'),
        }),
        64,
      )
      .optional()
      .describe('A conversation that every chat begins with.'),
    adapters: f
      .mapOf(
        z.strictObject({
          name: modelName.describe('Ollama reference.'),
          digest: f.digest.optional().describe('Use the adapter with this digest and nothing else.'),
        }),
        8,
        'name',
      )
      .optional()
      .describe('LoRA adapters.'),
    license: z.string().max(262_144).optional().describe('Licence text of the derived model.'),
  })
  .describe('What a Modelfile would say, as fields. Becomes a derived model with a digest of its own.');

export const ollama = z
  .strictObject({
    gpuLayers: z.int32().min(-1).max(10_000).optional().describe('Layers on the GPU; -1 (default): as many as fit.'),
    flashAttention: z.boolean().optional().describe('Default: Ollama decides per model.'),
    kvCacheType: z.enum(['f16', 'q8_0', 'q4_0']).optional().describe('Precision of the key-value cache; default f16.'),
    modelfile: modelfile.optional(),
  })
  .describe('What only Ollama has. Refused with another runtime.');

export const foundryLocal = z
  .strictObject({})
  .describe('What only Foundry Local has: nothing yet beyond the common fields. Refused with another runtime.');
