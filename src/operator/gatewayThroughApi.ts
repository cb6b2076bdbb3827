// The status of a gateway, read through the API server's proxy to pods: for an operator that runs outside the cluster, where
// no pod can be reached. It costs the API server a connection per question, and us the right to get pods/proxy.
import { RESERVED_PORTS } from '../api/schema.ts';
import type { Client } from '../kube/client.ts';
import { ApiError } from '../kube/errors.ts';
import { openLifetime } from '../kube/lifetime.ts';
import type { Clock } from '../process/clock.ts';
import { GatewayError, type GatewayReader, MAX_STATUS_BYTES, READ_DEADLINE_MS } from './gatewayReader.ts';
import type { PodFacts } from './podFacts.ts';

const pathOf = ({ metadata: { namespace, name } }: PodFacts): string =>
  `/api/v1/namespaces/${encodeURIComponent(namespace)}/pods/http:${encodeURIComponent(name)}:${RESERVED_PORTS.admin}/proxy/status`;

function problemOf(error: ApiError): GatewayError {
  const { reason, message, statusCode } = error;
  if (reason === 'forbidden')
    return new GatewayError('Forbidden', `${message}; grant get on pods/proxy, or use --gateway-access=None`, {
      cause: error,
    });
  if (reason === 'timeout') return new GatewayError('Timeout', message, { cause: error });
  if (reason === 'invalid' && statusCode === undefined) return new GatewayError('TooLarge', message, { cause: error });
  // Its own 503 for a pod that cannot be reached, or the refusal of the pod: nobody can tell them apart.
  return new GatewayError(statusCode === undefined || statusCode >= 500 ? 'Unreachable' : 'Refused', message, {
    cause: error,
  });
}

export function createApiProxyReader({ client, clock }: { client: Pick<Client, 'raw'>; clock: Clock }): GatewayReader {
  return {
    async read(pod, caller) {
      // Not the client's own deadline: that one takes the whole connection for dead, and a pod that is silent says nothing of it.
      const life = openLifetime(clock, caller);
      life.limit(READ_DEADLINE_MS, () => new GatewayError('Timeout', `no whole answer in ${READ_DEADLINE_MS} ms`));
      try {
        return await client.raw('GET', pathOf(pod), { signal: life.signal, maxAnswer: MAX_STATUS_BYTES });
      } catch (error) {
        throw error instanceof ApiError ? problemOf(error) : error;
      } finally {
        life.end();
      }
    },
    close: async () => undefined,
  };
}
