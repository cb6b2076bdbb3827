// A core that does as it is told: for what the real one does only after minutes, or once in a thousand times.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { CatalogVariant, CoreOptions, FoundryCore, StartCore } from '../../../src/foundryLocal/core.ts';

export const tiny: CatalogVariant = {
  id: 'tiny-generic-cpu:2',
  name: 'tiny-generic-cpu',
  version: 2,
  alias: 'tiny',
  device: 'CPU',
  provider: 'CPUExecutionProvider',
  sizeBytes: 1000,
  contextLength: 2048,
  cached: false,
};

/** The least that is a model for us. */
export const tinyFiles: Readonly<Record<string, string>> = {
  'genai_config.json': JSON.stringify({
    model: { type: 'phi3', context_length: 2048, decoder: { filename: 'model.onnx' } },
  }),
  'model.onnx': 'weights',
  'tokenizer.json': '{}',
};

export async function writeFiles(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

export interface FakeCore {
  readonly start: StartCore;
  /** Names of the commands that were given, the first `start`. */
  readonly said: string[];
  /** With what it was started. */
  options: CoreOptions | undefined;
}

/** `does` replaces what a command does. */
export function createFakeCore(does: Partial<FoundryCore> = {}, files = tinyFiles): FakeCore {
  const said: string[] = [];
  const folderOf = async (id: string) => join(fake.options?.cache ?? '', 'Microsoft', id.replace(':', '-'), 'v1');
  const usual: FoundryCore = {
    variants: async () => [tiny],
    async download(id, { onPercent }) {
      onPercent(50);
      await writeFiles(await folderOf(id), files);
      onPercent(100);
    },
    folderOf,
    load: async () => undefined,
    unload: async () => undefined,
    providers: async () => [{ name: 'CPUExecutionProvider', registered: true }],
    register: async (names) => names,
    startService: async () => ['http://127.0.0.1:5273'],
    stopService: async () => undefined,
    ended: new Promise(() => undefined),
    end: () => undefined,
  };
  const core = { ...usual, ...does };
  const heard = Object.fromEntries(
    Object.entries(core).map(([name, act]) => [
      name,
      typeof act !== 'function'
        ? act
        : (...args: unknown[]) => {
            said.push(name);
            return (act as (...args: unknown[]) => unknown)(...args);
          },
    ]),
  ) as unknown as FoundryCore;
  const fake: FakeCore = {
    said,
    options: undefined,
    async start(options) {
      said.push('start');
      fake.options = options;
      return heard;
    },
  };
  return fake;
}
