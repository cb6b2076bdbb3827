// Makes the cluster look like the plan: writes the children that differ, in order, and removes what is no longer wanted.
import { fieldManagers, type StoredDeployment } from '../api/types.ts';
import type { Child } from '../children/pod.ts';
import type { Client } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import { desiredHash, managersOf, unmetPaths } from '../kube/ownedFields.ts';
import { resourceOf } from '../kube/resources.ts';
import { type Key, type KubeObject, keyOf, type Resource } from '../kube/types.ts';
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import { createContests } from './contest.ts';
import { applyForced } from './forcedApply.ts';
import { childKey, type LiveChild, trimChild } from './liveChild.ts';
import type { Applied, ApplyFailure, Removal } from './observed.ts';
import { claimOn } from './ownership.ts';

export interface ApplierOptions {
  client: Client;
  clock: Clock;
  log: Logger;
  /** Tells the cache of a write, so that the next pass sees it before the watch does. */
  noteWrite(resource: Resource, written: KubeObject): void;
}

export interface Applier {
  /** Writes and removes. Never throws for one child: what went wrong is in the answer, and the others are done. */
  apply(
    deployment: StoredDeployment,
    live: ReadonlyMap<string, LiveChild>,
    plan: { children: readonly Child[]; removals: readonly Removal[] },
    signal: AbortSignal,
  ): Promise<Applied>;
  /** The deployment is gone. */
  forget(key: Key): void;
}

type Written = 'unchanged' | 'written' | Omit<ApplyFailure, 'child'>;

/** What the user, or whoever gave us our role, can mend becomes a condition; everything else is tried again. */
function failureOf(error: unknown): Omit<ApplyFailure, 'child'> {
  if (!(error instanceof ApiError)) throw error;
  if (error.reason === 'forbidden') return { reason: 'Forbidden', message: error.message };
  if (error.reason === 'invalid') return { reason: 'Rejected', message: error.message };
  return { reason: 'Failed', message: error.message };
}

/** The first write to an etcd: long before there were objects of ours. The API server makes what is missing all the same. */
const NO_VERSION = '1';

const isClusterIpChange = ({ kind }: Child, error: unknown): boolean =>
  kind === 'Service' && error instanceof ApiError && error.reason === 'invalid' && error.message.includes('clusterIP');

export function createApplier({ client, clock, log, noteWrite }: ApplierOptions): Applier {
  const contests = createContests();
  /** By deployment and child: pairs of hashes that differ by server-side defaults only. */
  const equivalent = new Map<Key, Map<string, string>>();
  const fieldManager = fieldManagers.children;

  /**
   * Makes a child that the cache does not have. By server-side apply, because what POST makes is owned under Update together
   * with every default, and a later apply could not take it back; and with a resourceVersion that no object can have, so that
   * an unknown object of this name is not touched even for a moment (both shown in test/integration/operator/ownership.test.ts).
   */
  async function create(child: Child, deployment: StoredDeployment, signal: AbortSignal): Promise<Written> {
    const resource = resourceOf(child);
    const unlessThere = { ...child, metadata: { ...child.metadata, resourceVersion: NO_VERSION } };
    try {
      const made = await client.apply<KubeObject>(resource, unlessThere, { fieldManager, signal });
      noteDefaults(keyOf(deployment.metadata), child, desiredHash(child), made);
      noteWrite(resource, made);
      return 'written';
    } catch (error) {
      const isThere = error instanceof ApiError && error.reason === 'conflict';
      const inTheWay = isThere ? await find(child, signal) : undefined;
      return inTheWay ? update(child, trimChild(inTheWay), deployment, inTheWay, signal) : failureOf(error);
    }
  }

  async function find(child: Child, signal: AbortSignal): Promise<KubeObject | undefined> {
    try {
      return await client.get<KubeObject>(resourceOf(child), child.metadata, { signal });
    } catch (error) {
      if (error instanceof ApiError && error.reason === 'notFound') return undefined;
      throw error;
    }
  }

  /** Remembers when what the server made of a child differs from it by defaults only. */
  function noteDefaults(key: Key, child: Child, wanted: string, stored: KubeObject): void {
    const { owned } = trimChild(stored);
    if (owned === wanted || unmetPaths(child, stored).length > 0) return;
    const pairs = equivalent.get(key) ?? new Map<string, string>();
    equivalent.set(key, pairs.set(childKey(child), `${wanted}:${owned}`));
  }

  const isEquivalent = ({ metadata }: StoredDeployment, child: Child, wanted: string, { owned }: LiveChild): boolean =>
    equivalent.get(keyOf(metadata))?.get(childKey(child)) === `${wanted}:${owned}`;

  async function loserOf(child: Child, signal: AbortSignal): Promise<string> {
    const live = await client.get<KubeObject>(resourceOf(child), child.metadata, { signal });
    const paths = unmetPaths(child, live);
    const managers = managersOf(live, paths, fieldManager);
    const who = managers.length > 0 ? managers.join(', ') : 'an admission policy';
    return `${who} keeps changing ${paths.join(', ')} back; stop it, or take what it wants into the spec; tried again every ${contests.backOffMs / 60_000} minutes`;
  }

  async function update(
    child: Child,
    live: LiveChild,
    deployment: StoredDeployment,
    full: KubeObject | undefined,
    signal: AbortSignal,
  ): Promise<Written> {
    const claim = claimOn(full ?? live, deployment);
    if (claim.kind === 'leaving' || live.metadata.deletionTimestamp)
      return {
        reason: 'WaitingForDeletion',
        message: claim.kind === 'leaving' ? claim.message : `${childKey(child)} is being deleted`,
      };
    if (claim.kind === 'foreign') return { reason: 'NameConflict', message: claim.message };
    const id = `${keyOf(child.metadata)}/${childKey(child)}`;
    const wanted = desiredHash(child);
    if (live.owned === wanted || isEquivalent(deployment, child, wanted, live)) return 'unchanged';
    const now = clock.now();
    const lost = contests.resting(id, wanted, now);
    if (lost) return { reason: 'FieldContested', message: lost };
    if (contests.isHopeless(id, wanted, now)) {
      const message = await loserOf(child, signal);
      contests.giveUp(id, wanted, now, message);
      return { reason: 'FieldContested', message };
    }
    try {
      const stored = await applyForced(client, child, live.metadata.uid, { fieldManager, signal });
      contests.noteApply(id, wanted, now);
      noteDefaults(keyOf(deployment.metadata), child, wanted, stored);
      noteWrite(resourceOf(child), stored);
      return 'written';
    } catch (error) {
      return isClusterIpChange(child, error) ? remake(child, live, deployment, signal) : failureOf(error);
    }
  }

  /** A Service cannot become headless, or stop being so: the old one goes first. Only after the user has asked for it, and only ours. */
  async function remake(
    child: Child,
    { metadata: { uid = '' } }: LiveChild,
    deployment: StoredDeployment,
    signal: AbortSignal,
  ): Promise<Written> {
    const ref = child.metadata;
    const failure = await remove(
      { resource: resourceOf(child), ref, uid, why: 'its clusterIP cannot be changed' },
      signal,
    );
    return failure ?? create(child, deployment, signal);
  }

  async function remove({ resource, ref, uid, why }: Removal, signal: AbortSignal): Promise<ApplyFailure | undefined> {
    try {
      if (await client.remove(resource, ref, { uid, propagationPolicy: 'Background', signal }))
        log.info({ kind: resource.kind, object: keyOf(ref), why }, 'removed');
      return undefined;
    } catch (error) {
      // Another object by now: not ours to remove.
      if (error instanceof ApiError && error.reason === 'conflict') return undefined;
      return { child: `${resource.kind}/${ref.name}`, ...failureOf(error) };
    }
  }

  return {
    forget: (key) => void equivalent.delete(key),
    async apply(deployment, live, { children, removals }, signal) {
      const failures: ApplyFailure[] = [];
      const made: string[] = [];
      const changed: string[] = [];
      for (const child of children) {
        const known = live.get(childKey(child));
        const written = known
          ? await update(child, known, deployment, undefined, signal)
          : await create(child, deployment, signal);
        if (written === 'written') (known ? changed : made).push(childKey(child));
        else if (written !== 'unchanged') failures.push({ child: childKey(child), ...written });
      }
      let writes = made.length + changed.length;
      if (writes > 0) log.info({ deployment: keyOf(deployment.metadata), made, changed }, 'children written');
      for (const removal of removals) {
        const failure = await remove(removal, signal);
        if (failure) failures.push(failure);
        else writes += 1;
      }
      return { failures, writes };
    },
  };
}
