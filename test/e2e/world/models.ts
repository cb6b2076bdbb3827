// The models of the tests, in the registry within the node: tiny ones that answer every prompt with words of their own.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Digest } from '../../../src/models/digest.ts';
import { type TinyLlama, tinyLlama } from '../../runtime/models/llama.ts';
import { writeModel } from '../../runtime/models/written.ts';
import { type UploadTarget, upload } from '../../runtime/registries/upload.ts';
import { doorAgent } from '../node/door.ts';
import { ports } from '../node/layout.ts';
import { registryHost } from '../node/services.ts';

const kinds = {
  first: { answer: ['Hello', ' from', ' the', ' first', ' tiny', ' model.'] },
  second: { answer: ['Greetings', ' from', ' the', ' second', ' tiny', ' model.'], seed: 2 },
  endless: { endless: true, seed: 3 },
} as const satisfies Record<string, TinyLlama>;

export type ModelKind = keyof typeof kinds;

export interface PublishedModel {
  /** As a deployment names it. */
  readonly name: string;
  readonly digest: Digest;
  readonly answer: string;
}

export type PublishedModels = Record<ModelKind, PublishedModel>;

/** Writes them and uploads them through the door of the node. */
export async function publishModels(door: string): Promise<PublishedModels> {
  const dispatcher = doorAgent(door);
  const folder = await mkdtemp(join(tmpdir(), 'lmo-models-'));
  const registry: UploadTarget = {
    host: registryHost,
    url: `http://127.0.0.1:${ports.registry}`,
    dispatcher,
    authorization: () => ({}),
  };
  try {
    const published: Partial<PublishedModels> = {};
    for (const kind of Object.keys(kinds) as ModelKind[]) {
      const recipe: TinyLlama = kinds[kind];
      const name = `tiny:${kind}`;
      await writeModel(folder, name, { gguf: tinyLlama(recipe) });
      const { reference, digest } = await upload(registry, folder, name);
      published[kind] = { name: reference, digest, answer: (recipe.answer ?? []).join('') };
    }
    return published as PublishedModels;
  } finally {
    await rm(folder, { recursive: true, force: true });
    await dispatcher.close();
  }
}
