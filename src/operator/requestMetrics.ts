// Requests to the API server, under the name that dashboards made for client-go know.
import { Counter, Histogram, type Registry } from 'prom-client';
import type { TransportOptions } from '../kube/transport.ts';

export function createRequestMetrics(registry: Registry): NonNullable<TransportOptions['onRequest']> {
  const total = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by verb and status code',
    labelNames: ['method', 'code'],
    registers: [registry],
  });
  const seconds = new Histogram({
    name: 'rest_client_request_duration_seconds',
    help: 'Seconds until the API server answered, by verb',
    labelNames: ['verb'],
    buckets: [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
    registers: [registry],
  });
  return ({ verb, status, ms }) => {
    total.inc({ method: verb, code: status === undefined ? '<error>' : String(status) });
    seconds.observe({ verb }, ms / 1000);
  };
}
