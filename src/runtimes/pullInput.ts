// The part of PULL_CONFIG that is the same for both runtimes.
import type { Settings, Source } from '../api/defaults.ts';
import { unitsOf } from '../kube/quantity.ts';
import type { PullConfig, PullSource } from '../puller/config.ts';
import { modelOf } from './rung.ts';
import { paths, type RuntimeInput } from './runtime.ts';

/** Where kubelet looks for it unless told otherwise. */
const TERMINATION_MESSAGE_PATH = '/dev/termination-log';

/** The revision that runs, and the one before it, so that going back fetches nothing. */
const KEPT_REVISIONS = 2;

function sourceOf(source: Source): PullSource {
  if (source.kind === 'Image') return { kind: 'Image', path: paths.source, reference: source.reference };
  if (source.kind === 'Volume') {
    const { claimName, path } = source;
    return { kind: 'Volume', path: path ? `${paths.source}/${path}` : paths.source, claimName };
  }
  const {
    mirrors = [],
    plainHttp = false,
    bandwidthLimit,
    credentialsSecretRef,
    identitySecretRef,
    caBundleRef,
  } = source;
  return {
    kind: 'Registry',
    mirrors,
    plainHttp,
    ...(bandwidthLimit && { bytesPerSecond: Math.max(1, unitsOf(bandwidthLimit)) }),
    ...(credentialsSecretRef && {
      credentials: { path: paths.registryCredentials, kind: 'Secret', name: credentialsSecretRef.name },
    }),
    ...(identitySecretRef && {
      identity: { path: paths.registryIdentity, kind: 'Secret', name: identitySecretRef.name },
    }),
    ...(caBundleRef && { ca: { path: paths.registryCa, ...caBundleRef } }),
  };
}

/** A claim of the user's own is never tidied, and an emptyDir goes with its pod. */
export const isTidied = ({ storage }: Settings) => storage.kind === 'Claim' && storage.own;

export function pullConfigOf(
  { settings, rung, revision }: RuntimeInput,
  runtimeVersion: string,
  { derived, launch }: Pick<PullConfig, 'derived' | 'launch'> = {},
): PullConfig {
  const { name, digest } = modelOf(settings, rung);
  const { expect, verify, source } = settings.model;
  return {
    runtime: settings.runtime,
    runtimeVersion,
    revision,
    reference: name,
    ...(digest && { digest }),
    ...(expect && { expect }),
    verify,
    source: sourceOf(source),
    store: paths.models,
    lockFile: `${paths.lock}/${revision}.json`,
    ...(isTidied(settings) && { tidy: { keepRevisions: KEPT_REVISIONS } }),
    ...(derived && { derived }),
    ...(launch && { launch }),
    progressFile: `${paths.shared}/progress.json`,
    terminationMessagePath: TERMINATION_MESSAGE_PATH,
  };
}
