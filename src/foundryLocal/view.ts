// The folder that the serving core takes for its cache: one model, as links to the verified files, with the settings of this pod in its
// configuration. So the store stays as the pull has verified it, may be read-only, and is shared by pods with other settings.
import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileError } from '../models/errors.ts';
import { readBounded } from '../models/files.ts';
import { pathsIn } from './fileList.ts';
import { GENAI_CONFIG, type GenaiConfig, openModelFolder } from './modelFolder.ts';
import type { Served } from './served.ts';
import { SNAPSHOT, snapshotOf } from './snapshot.ts';

export interface ViewOptions {
  readonly served: Served;
  /** Made anew. */
  readonly folder: string;
  /** Tokens of context; absent: what the model says. */
  readonly maxContext: number | undefined;
  /** CPU threads for the work of one request; absent: the runtime counts the cores. */
  readonly threads: number | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What the core knows of a model that is not from its catalog, and of where it lies. */
const INFERENCE_MODEL = 'inference_model.json';
const bounded = (own: number | undefined, wanted: number): number => Math.min(own ?? wanted, wanted);

/** The model's own configuration with this pod's limits; a bound of ours never raises what the model says of itself. */
export function withLimits(
  config: GenaiConfig,
  { maxContext, threads }: Pick<ViewOptions, 'maxContext' | 'threads'>,
): GenaiConfig {
  const { model, search } = config;
  const { decoder } = model;
  const length = maxContext === undefined ? undefined : bounded(model.context_length ?? search?.max_length, maxContext);
  return {
    ...config,
    model: {
      ...model,
      ...(decoder &&
        threads !== undefined && {
          decoder: { ...decoder, session_options: { ...decoder.session_options, intra_op_num_threads: threads } },
        }),
    },
    ...(length !== undefined && { search: { ...search, max_length: bounded(search?.max_length, length) } }),
  };
}

async function promptTemplateOf(folder: string): Promise<unknown> {
  const path = join(folder, INFERENCE_MODEL);
  const bytes = await readBounded(path, 1024 * 1024, path);
  try {
    return (JSON.parse(bytes?.toString('utf8') ?? '') as { PromptTemplate?: unknown }).PromptTemplate;
  } catch {
    return undefined; // then the chat template of the tokenizer holds
  }
}

/** Resolves with the configuration that the core gets. Throws a PullError. */
export async function makeView({ served, folder, maxContext, threads, now }: ViewOptions): Promise<GenaiConfig> {
  const model = await openModelFolder(served.folder, served.id);
  const [name = '', version = '0'] = served.id.split(':');
  const inside = join(folder, 'Microsoft', `${name}-${version}`, 'v1');
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(inside, { recursive: true });
    for (const path of await pathsIn(model.path)) {
      if (path === GENAI_CONFIG) continue;
      await mkdir(dirname(join(inside, path)), { recursive: true });
      await symlink(join(model.path, path), join(inside, path));
    }
    const config = withLimits(model.config, { maxContext, threads });
    await writeFile(join(inside, GENAI_CONFIG), JSON.stringify(config));
    const template = await promptTemplateOf(model.path);
    await writeFile(join(inside, INFERENCE_MODEL), JSON.stringify({ Name: served.id, PromptTemplate: template }));
    await writeFile(join(folder, SNAPSHOT), snapshotOf(served.catalog, now));
    return config;
  } catch (error) {
    throw fileError(error, `make the folder ${folder}`);
  }
}
