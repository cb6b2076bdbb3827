// Writes a status: once per pass at most, last, only when it says something new, and not for every small step.

import type { Status } from '../api/schema.ts';
import { fieldManagers, GROUP, KIND, localModelDeployments, type StoredDeployment, VERSION } from '../api/types.ts';
import type { Client } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import { type Key, type KubeObject, keyOf, type Resource } from '../kube/types.ts';
import type { Clock } from '../process/clock.ts';
import { createProgressPace } from './progressPace.ts';
import { isMajorChange, isProgressAlone, sameStatus } from './status.ts';

/** Replica counts and messages may move with every pod; they are written no more often than this (milliseconds). */
const MINOR_EVERY_MS = 2_000;
/** And how far a pull is, which moves for minutes or hours, no more often than this. */
const PROGRESS_EVERY_MS = 10_000;

export interface ReporterOptions {
  client: Client;
  clock: Clock;
  noteWrite(resource: Resource, written: KubeObject): void;
}

export interface Reporter {
  /** `written`: whether the status is now on the server. `waitMs`: a small change was put off so long. */
  report(
    deployment: StoredDeployment,
    status: Status,
    signal: AbortSignal,
  ): Promise<{ written: boolean; waitMs?: number }>;
  forget(key: Key): void;
}

export function createReporter({ client, clock, noteWrite }: ReporterOptions): Reporter {
  const writtenAt = new Map<Key, number>();
  const pace = createProgressPace(clock);

  /** Milliseconds for which this change is put off; 0: it is written now. */
  function putOff(key: Key, before: Status | undefined, status: Status): number {
    if (isMajorChange(before, status)) return 0;
    const isProgress = isProgressAlone(before, status);
    const sinceWrite = clock.monotonic() - (writtenAt.get(key) ?? Number.NEGATIVE_INFINITY);
    const least = isProgress ? PROGRESS_EVERY_MS : MINOR_EVERY_MS;
    if (sinceWrite < least) return least - sinceWrite;
    return isProgress ? pace.waitFor(key) : 0;
  }

  return {
    async report(deployment, status, signal) {
      const { status: before, metadata } = deployment;
      if (sameStatus(before, status)) return { written: true };
      const key = keyOf(metadata);
      const waitMs = putOff(key, before, status);
      if (waitMs > 0) return { written: false, waitMs };
      const { name, namespace, uid } = metadata;
      const body = { apiVersion: `${GROUP}/${VERSION}`, kind: KIND, metadata: { name, namespace, uid }, status };
      try {
        const stored = await client.applyStatus<StoredDeployment>(localModelDeployments, body, {
          fieldManager: fieldManagers.status,
          signal,
        });
        writtenAt.set(key, clock.monotonic());
        noteWrite(localModelDeployments, stored);
        return { written: true };
      } catch (error) {
        // Gone meanwhile, or another of the same name: its own pass will report on it.
        if (error instanceof ApiError && (error.reason === 'notFound' || error.reason === 'conflict'))
          return { written: false };
        throw error;
      }
    },
    forget(key) {
      writtenAt.delete(key);
      pace.forget(key);
    },
  };
}
