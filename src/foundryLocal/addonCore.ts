// The core of Foundry Local 1.x: a native library that takes commands as JSON, reached through the addon that Microsoft's npm
// package foundry-local-sdk ships. That package's own classes say the same commands, but block the event loop at some.
import { access } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as z from 'zod';
import { type CatalogVariant, CoreError, type CoreOptions, type DownloadOptions, type FoundryCore } from './core.ts';

/** foundry_local_napi.node as of 1.2.3 (sdk/js/native). */
interface Addon {
  loadLibrary(path: string): void;
  executeCommandAsync(command: string, parameters: string): Promise<string>;
  executeCommandStreaming(command: string, parameters: string, onChunk: (chunk: string) => void): Promise<string>;
}

const addonFiles = { addon: 'foundry_local_napi.node', core: 'Microsoft.AI.Foundry.Local.Core.so' } as const;

const APP = 'local-model-operator';

/** Where nobody listens (RFC 863's port, closed everywhere): without it the core looks for a catalog for a minute and more. */
const NOWHERE = 'http://127.0.0.1:9';
/** Any one: with it the core does not go and find out which is nearest. */
const REGION = 'eastus';

/** Words of the core's log by which it regrets that there is no catalog, where it was to have none. */
export const isAboutNoCatalog = ({ text }: { text: string }): boolean =>
  text.includes('127.0.0.1:9') || text.startsWith('Falling back to last-known-good cached model info');

async function loadAddon(libraries: string): Promise<Addon> {
  for (const file of Object.values(addonFiles)) {
    const path = join(libraries, file);
    await access(path).catch((cause: unknown) => {
      throw new CoreError('Missing', `${path} is not there; docs/foundry-local.md says how an image gets it`, cause);
    });
  }
  try {
    const addon: Addon = createRequire(import.meta.url)(join(libraries, addonFiles.addon));
    addon.loadLibrary(join(libraries, addonFiles.core));
    return addon;
  } catch (cause) {
    throw new CoreError('Missing', `the libraries in ${libraries} cannot be loaded: ${wordsOf(cause)}`, cause);
  }
}

const MAX_WORDS = 600;

/** The core's errors carry .NET stack traces; their first line is for people. */
function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [first = ''] = text.split(/\r?\n\s+at |\r?\n/);
  return first.trim().slice(0, MAX_WORDS);
}

function settingsOf({ cache, data, logs, port, catalog }: CoreOptions): Record<string, string> {
  return {
    AppName: APP,
    AppDataDir: data,
    ModelCacheDir: cache,
    LogsDir: logs,
    // At lower levels it may write what is asked and answered.
    LogLevel: 'Warning',
    ...(port !== undefined && { WebServiceUrls: `http://127.0.0.1:${port}` }),
    ...(catalog === 'None' && { AzureCatalogUri: NOWHERE, ModelRegistryRegion: REGION }),
  };
}

const variantList = z.array(
  z.object({
    id: z.string(),
    name: z.string(),
    version: z.number(),
    alias: z.string(),
    cached: z.boolean(),
    runtime: z.object({ deviceType: z.string(), executionProvider: z.string() }).nullish(),
    fileSizeMb: z.number().nullish(),
    contextLength: z.number().nullish(),
    task: z.string().nullish(),
  }),
);

const providerList = z.array(z.object({ Name: z.string(), IsRegistered: z.boolean() }));
const registration = z.object({ RegisteredEps: z.array(z.string()).nullish() });
const addresses = z.array(z.string());

const MIB = 1024 * 1024;

function variantOf({
  runtime,
  fileSizeMb,
  contextLength,
  task,
  ...known
}: z.output<typeof variantList>[number]): CatalogVariant {
  return {
    ...known,
    ...(runtime && { device: runtime.deviceType.toUpperCase(), provider: runtime.executionProvider }),
    ...(fileSizeMb && { sizeBytes: fileSizeMb * MIB }),
    ...(contextLength && { contextLength }),
    ...(task && { task }),
  };
}

/** Loads the libraries into this process and starts the core. At most one per process, which it takes over: see childCore.ts. */
export async function startAddonCore(options: CoreOptions): Promise<FoundryCore> {
  const addon = await loadAddon(options.libraries);

  async function say(command: string, parameters?: Record<string, string>): Promise<string> {
    try {
      return await addon.executeCommandAsync(command, parameters ? JSON.stringify({ Params: parameters }) : '');
    } catch (cause) {
      throw new CoreError('Failed', wordsOf(cause), cause);
    }
  }

  async function ask<T>(shape: z.ZodType<T>, command: string, parameters?: Record<string, string>): Promise<T> {
    const text = await say(command, parameters);
    try {
      return shape.parse(JSON.parse(text));
    } catch (cause) {
      throw new CoreError('Failed', `the core answered ${command} with something else than 1.2.3 does`, cause);
    }
  }

  async function download(id: string, { onPercent, signal }: DownloadOptions): Promise<void> {
    signal.throwIfAborted();
    const onChunk = (chunk: string) => {
      // An error that is thrown here is how the core is told to stop.
      if (signal.aborted) throw new CoreError('Failed', 'stopped');
      const percent = Number.parseFloat(chunk);
      if (!Number.isNaN(percent)) onPercent(percent);
    };
    try {
      await addon.executeCommandStreaming('download_model', JSON.stringify({ Params: { Model: id } }), onChunk);
    } catch (cause) {
      signal.throwIfAborted();
      throw new CoreError('Failed', wordsOf(cause), cause);
    }
    signal.throwIfAborted();
  }

  await say('initialize', settingsOf(options));
  return {
    variants: async () => (await ask(variantList, 'get_model_list')).map(variantOf),
    download,
    folderOf: (id) => say('get_model_path', { Model: id }),
    load: async (id) => void (await say('load_model', { Model: id })),
    unload: async (id) => void (await say('unload_model', { Model: id })),
    providers: async () =>
      (await ask(providerList, 'discover_eps')).map(({ Name, IsRegistered }) => ({
        name: Name,
        registered: IsRegistered,
      })),
    register: async (names) =>
      (await ask(registration, 'download_and_register_eps', { Names: names.join(',') })).RegisteredEps ?? [],
    startService: () => ask(addresses, 'start_service'),
    stopService: async () => void (await say('stop_service')),
    // It goes with the process that it is in.
    ended: new Promise(() => undefined),
    end: () => undefined,
  };
}
