// A folder with an ONNX model as ONNX Runtime GenAI reads it: whether it is whole, what it says of itself and what it asks for.
import { basename, join } from 'node:path';
import * as z from 'zod';
import { PullError } from '../models/errors.ts';
import { namesIn, readBounded, sizeOfFile } from '../models/files.ts';
import type { ModelFacts } from '../models/modelConfig.ts';
import { LOST_AND_FOUND } from './fileList.ts';
import { type Provider, providers } from './providers.ts';

export const GENAI_CONFIG = 'genai_config.json';

/** https://onnxruntime.ai/docs/genai/reference/config.html, as far as it is needed; all else is kept as it is. */
const part = z.looseObject({
  filename: z.string().optional(),
  session_options: z
    .looseObject({ provider_options: z.array(z.record(z.string(), z.unknown())).optional() })
    .optional(),
});
const genaiConfig = z.looseObject({
  model: z.looseObject({ type: z.string(), context_length: z.number().optional(), decoder: part.optional() }),
  search: z.looseObject({ max_length: z.number().optional() }).optional(),
});

export type GenaiConfig = z.output<typeof genaiConfig>;

export interface ModelFolder {
  readonly path: string;
  readonly config: GenaiConfig;
}

const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** Any of them is a tokenizer; those of other kinds of models (audio) have a processor instead. */
const tokenizers = ['tokenizer.json', 'tokenizer.model', 'vocab.json', 'audio_processor_config.json'] as const;

async function configOf(folder: string, title: string): Promise<GenaiConfig> {
  const path = join(folder, GENAI_CONFIG);
  const bytes = await readBounded(path, MAX_CONFIG_BYTES, path);
  try {
    return genaiConfig.parse(JSON.parse(bytes?.toString('utf8') ?? ''));
  } catch (cause) {
    throw new PullError('Corrupt', `${GENAI_CONFIG} of ${title} cannot be read; export the model again`, { cause });
  }
}

type Part = z.output<typeof part>;

/** The parts of a model are members with a file: decoder, encoder, vision, embedding … */
const partsOf = ({ model }: GenaiConfig): Part[] =>
  Object.values(model).flatMap((value): Part[] => {
    const result = part.safeParse(value);
    return result.success && result.data.filename ? [result.data] : [];
  });

/** The root, or the one folder below it: the catalog's own models lie one level down. */
async function rootOf(path: string): Promise<string | undefined> {
  const names = (await namesIn(path)).filter((name) => name !== LOST_AND_FOUND);
  const candidates = [path, ...names.map((name) => join(path, name))];
  const there = await Promise.all(candidates.map((folder) => sizeOfFile(join(folder, GENAI_CONFIG))));
  const found = candidates.filter((_, index) => there[index] !== undefined);
  if (found[0] === path || found.length === 1) return found[0];
  if (found.length === 0) return undefined;
  throw new PullError(
    'NotFound',
    `${path} holds several models (${found.map((folder) => basename(folder)).join(', ')}); give the path of one`,
  );
}

/**
 * Finds and reads the model at `path`. Throws a PullError: NotFound where there is none, or where it is not whole; Corrupt for a
 * configuration that cannot be read. `title` is for messages.
 */
export async function openModelFolder(path: string, title: string): Promise<ModelFolder> {
  const root = await rootOf(path);
  if (root === undefined)
    throw new PullError(
      'NotFound',
      `${title} has no ${GENAI_CONFIG} at ${path} nor one folder below; a model for Foundry Local is an ONNX model as ONNX Runtime GenAI exports it`,
    );
  const config = await configOf(root, title);
  const wanted = partsOf(config).flatMap(({ filename }) => filename ?? []);
  if (wanted.length === 0) throw new PullError('NotFound', `${GENAI_CONFIG} of ${title} names no file of weights`);
  for (const file of wanted)
    if ((await sizeOfFile(join(root, file))) === undefined)
      throw new PullError(
        'NotFound',
        `${title} is not whole: ${join(root, file)} is missing, which ${GENAI_CONFIG} names`,
      );
  const tokenizer = await Promise.all(tokenizers.map((file) => sizeOfFile(join(root, file))));
  if (tokenizer.every((size) => size === undefined))
    throw new PullError(
      'NotFound',
      `${title} is not whole: ${join(root, tokenizers[0])} is missing, so no text could be read`,
    );
  return { path: root, config };
}

/** The providers that the parts ask for, by their names in provider_options. */
export const optionsOf = (config: GenaiConfig): string[] => [
  ...new Set(
    partsOf(config).flatMap(({ session_options }) => (session_options?.provider_options ?? []).flatMap(Object.keys)),
  ),
];

/** Throws a PullError `WrongDevice` where the model asks for another device than the rung has; a CPU model on a GPU rung would run, on the CPU. */
export function refuseOtherDevice(config: GenaiConfig, provider: Provider | undefined, title: string): void {
  if (!provider) return;
  const asked = optionsOf(config)
    .map((option) => option.toLowerCase())
    .filter((option) => option !== providers.cpu.name);
  const wanted = provider.option;
  if (wanted ? asked.includes(wanted) : asked.length === 0) return;
  const made = asked.length === 0 ? 'the CPU' : asked.join(', ');
  throw new PullError(
    'WrongDevice',
    `${title} is made for ${made} (provider_options of ${GENAI_CONFIG}), and this rung is ${provider.device} (${provider.name}, known: ${Object.keys(providers).join(', ')})`,
  );
}

export const factsOf = ({ model: { type, context_length: contextLength } }: GenaiConfig): ModelFacts => ({
  family: type,
  families: [type],
  ...(contextLength && { contextLength }),
});
