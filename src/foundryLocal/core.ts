// What pull and serve need of Foundry Local. The core of the 1.x line is one implementation (addonCore.ts); that of 2.x, which
// is another program with the same notions, can be a second.

/** A build of a model for one kind of device, as the catalog or the core's cache folder has it. */
export interface CatalogVariant {
  /** Such as Phi-4-mini-instruct-generic-cpu:5. */
  readonly id: string;
  /** Without the version. */
  readonly name: string;
  readonly version: number;
  /** Such as phi-4-mini; several variants have the same. */
  readonly alias: string;
  /** CPU, GPU or NPU in capital letters; absent where nothing is said. */
  readonly device?: string;
  /** Such as CPUExecutionProvider. */
  readonly provider?: string;
  /** About, as the catalog says it. */
  readonly sizeBytes?: number;
  readonly contextLength?: number;
  /** Such as chat-completion. */
  readonly task?: string;
  /** It lies in the core's cache folder. */
  readonly cached: boolean;
}

/** A way to run models that the core could use here. */
export interface ExecutionProvider {
  /** Such as CUDAExecutionProvider. */
  readonly name: string;
  readonly registered: boolean;
}

export interface DownloadOptions {
  readonly onPercent: (percent: number) => void;
  readonly signal: AbortSignal;
}

/** Every method rejects with a CoreError. */
export interface FoundryCore {
  /** Those for the devices of this process, in the core's own order of preference. */
  variants(): Promise<readonly CatalogVariant[]>;
  /** Into the core's cache folder. It checks no hash. */
  download(id: string, options: DownloadOptions): Promise<void>;
  /** The folder in which the files of a cached variant lie. */
  folderOf(id: string): Promise<string>;
  load(id: string): Promise<void>;
  unload(id: string): Promise<void>;
  providers(): Promise<readonly ExecutionProvider[]>;
  /** Resolves with the names of those that were registered. */
  register(names: readonly string[]): Promise<readonly string[]>;
  /** Resolves with where the service listens. */
  startService(): Promise<readonly string[]>;
  /** Takes no more connections, and resolves when the running answers have ended. */
  stopService(): Promise<void>;
  /** Resolves with what has become of it, when it has ended without being asked to. */
  readonly ended: Promise<CoreError>;
  /** At once, whatever it is doing. */
  end(): void;
}

export interface CoreOptions {
  /** Folder with the addon and the libraries. */
  readonly libraries: string;
  /** Folder of the models; the core writes into it. */
  readonly cache: string;
  /** Folder for its state. */
  readonly data: string;
  /** Folder of its log files. */
  readonly logs: string;
  /** Microsoft's, or none: then only what lies in the cache is known. */
  readonly catalog: 'Public' | 'None';
  /** On 127.0.0.1; absent where no service will be started. */
  readonly port?: number;
}

export type StartCore = (options: CoreOptions) => Promise<FoundryCore>;

/** `Missing`: the libraries are not there or cannot be loaded. `Failed`: the core says no, in its own words. `Ended`: it has gone. */
export type CoreFailure = 'Missing' | 'Failed' | 'Ended';

export class CoreError extends Error {
  override readonly name = 'CoreError';
  readonly reason: CoreFailure;

  constructor(reason: CoreFailure, message: string, cause?: unknown) {
    super(message, cause === undefined ? {} : { cause });
    this.reason = reason;
  }
}
