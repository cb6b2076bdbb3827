// What we may do, as the API server itself says it (SelfSubjectAccessReview), remembered for a while.
import type { Clock } from '../process/clock.ts';
import type { Logger } from '../process/logger.ts';
import type { Client } from './client.ts';
import type { Resource } from './types.ts';

export type Verb = 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'deletecollection';

/** `unknown`: the API server gave no answer, now or earlier. It is no reason to stop doing something. */
export type Access = 'allowed' | 'denied' | 'unknown';

export interface AccessOptions {
  client: Pick<Client, 'raw'>;
  clock: Clock;
  log: Logger;
}

export interface AccessReviews {
  /** `namespace` absent: in all namespaces. `resource` may be `{ plural: 'pods/status', … }`. Never rejects. */
  canI(verb: Verb, resource: Resource, namespace?: string): Promise<Access>;
}

interface Review {
  status?: { allowed?: boolean };
}

interface Remembered {
  answer: Promise<Access>;
  last: Access;
  until: number;
}

const path = '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
// A permission that is missing is one that somebody is about to grant; one that is there seldom goes.
const keptMs = { allowed: 10 * 60_000, denied: 60_000, unknown: 5_000 } as const satisfies Record<Access, number>;
const deadlineMs = 10_000;

export function createAccessReviews({ client, clock, log }: AccessOptions): AccessReviews {
  const remembered = new Map<string, Remembered>();

  async function review(verb: Verb, resource: Resource, namespace?: string): Promise<Access> {
    const { group, version } = resource;
    const [plural, subresource] = resource.plural.split('/', 2);
    const resourceAttributes = { verb, group, version, resource: plural, subresource, namespace };
    const body = {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes },
    };
    try {
      const { status } = await client.raw<Review>('POST', path, { body, deadlineMs });
      return status?.allowed ? 'allowed' : 'denied';
    } catch (err) {
      log.debug({ err, verb, resource: resource.plural }, 'access review failed');
      return 'unknown';
    }
  }

  function ask(key: string, last: Access, verb: Verb, resource: Resource, namespace?: string): Promise<Access> {
    const answer = review(verb, resource, namespace).then((now) => {
      entry.last = now === 'unknown' ? last : now;
      entry.until = clock.monotonic() + keptMs[now];
      return entry.last;
    });
    const entry: Remembered = { answer, last, until: Number.POSITIVE_INFINITY };
    remembered.set(key, entry);
    return answer;
  }

  return {
    canI(verb, resource, namespace) {
      const key = [verb, resource.group, resource.plural, namespace ?? ''].join('|');
      const known = remembered.get(key);
      if (known && clock.monotonic() < known.until) return known.answer;
      return ask(key, known?.last ?? 'unknown', verb, resource, namespace);
    },
  };
}
