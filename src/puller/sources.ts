// Where a model comes from, as the pull sees it: a registry, or a folder that an image or a volume has brought.

import type { Digest } from '../models/digest.ts';
import type { LockOwner } from '../models/fileLock.ts';
import type { Descriptor, RawManifest } from '../models/manifest.ts';
import type { ProxySettings } from '../models/proxies.ts';
import type { Reference } from '../models/reference.ts';
import type { Store } from '../models/store.ts';
import type { Clock, Random } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { PullConfig } from './config.ts';
import { createFolderSource } from './folderSource.ts';
import type { Progress } from './progress.ts';
import { createRegistrySource } from './registrySource.ts';

export interface ModelSource {
  /**
   * What the name means there; with `digest` that very manifest. Rejects with a PullError: NotFound, DigestMismatch where there is
   * something else under the name, or why nothing can be had.
   */
  manifest(reference: Reference, digest: Digest | undefined): Promise<RawManifest>;
  /** Bytes that the disk of the store must have free before these are brought. */
  spaceFor(blobs: readonly Descriptor[]): Promise<number>;
  /** Puts the blob into the store; every byte of it has been hashed then. Rejects with a PullError. */
  bring(reference: Reference, blob: Descriptor): Promise<void>;
  close(): Promise<void>;
}

/** What a pull works with besides its configuration. */
export interface PullContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly progress: Progress;
  /** Names this process in locks. */
  readonly owner: LockOwner;
  /** Of the runtime that will serve; see models/userAgent.ts. */
  readonly userAgent: string;
  readonly proxies: ProxySettings;
  readonly signal: AbortSignal;
}

/** Touches nothing yet: what the store has already needs no source, and no Secret either. */
export const createSource = (config: PullConfig, store: Store, context: PullContext): ModelSource =>
  config.source.kind === 'Registry'
    ? createRegistrySource(config.source, store, context)
    : createFolderSource(config.source, config.reference, store, context);
