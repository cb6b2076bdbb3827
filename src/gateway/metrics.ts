// Records what the gateway does, under the names of the catalogue.
import { Counter, Histogram, type Registry } from 'prom-client';
import { createRegistry } from '../process/metrics.ts';
import { CLIENT_GONE_STATUS } from './audit.ts';
import type { GatewayErrorReason } from './errors.ts';
import type { ExchangeRecord } from './exchange.ts';
import { type LabelsOf, type MetricName, metrics } from './metricsCatalogue.ts';
import { type GaugeSources, registerGauges } from './metricsGauges.ts';
import type { CanaryOutcome } from './observation.ts';

export interface GatewayMetrics {
  readonly registry: Registry;
  /** A request that is over. */
  exchange(record: ExchangeRecord): void;
  /** A request that could not even be read. */
  unreadable(reason: GatewayErrorReason): void;
  canary(outcome: CanaryOutcome, seconds: number): void;
  /** Where the gauges are read from at each scrape; until then they have no series. Call once. */
  readFrom(sources: GaugeSources): void;
}

type NamesOf<T> = { [N in MetricName]: (typeof metrics)[N]['type'] extends T ? N : never }[MetricName];

function counter<N extends NamesOf<'counter'>>(registry: Registry, name: N): Counter<LabelsOf<N>> {
  const { meaning, labels } = metrics[name];
  return new Counter<LabelsOf<N>>({ name, help: meaning, labelNames: [...labels], registers: [registry] });
}

function histogram<N extends NamesOf<'histogram'>>(registry: Registry, name: N): Histogram<LabelsOf<N>> {
  const { meaning, labels, buckets } = metrics[name];
  return new Histogram<LabelsOf<N>>({
    name,
    help: meaning,
    labelNames: [...labels],
    buckets: [...buckets],
    registers: [registry],
  });
}

function createInstruments(registry: Registry) {
  return {
    requests: counter(registry, 'localmodel_requests_total'),
    duration: histogram(registry, 'gen_ai_server_request_duration_seconds'),
    firstToken: histogram(registry, 'gen_ai_server_time_to_first_token_seconds'),
    perToken: histogram(registry, 'gen_ai_server_time_per_output_token_seconds'),
    wait: histogram(registry, 'localmodel_queue_wait_seconds'),
    rejections: counter(registry, 'localmodel_rejections_total'),
    clientRequests: counter(registry, 'localmodel_client_requests_total'),
    clientTokens: counter(registry, 'localmodel_client_tokens_total'),
    tokens: counter(registry, 'localmodel_tokens_total'),
    bytes: counter(registry, 'localmodel_bytes_total'),
    canaries: counter(registry, 'localmodel_canary_total'),
    canaryDuration: histogram(registry, 'localmodel_canary_duration_seconds'),
  };
}

type Instruments = ReturnType<typeof createInstruments>;

function recordTokens({ tokens, clientTokens }: Instruments, { family, client, usage }: ExchangeRecord): void {
  for (const [direction, count] of [
    ['input', usage?.inputTokens],
    ['output', usage?.outputTokens],
  ] as const) {
    if (count === undefined) continue;
    tokens.inc({ family, direction }, count);
    if (client !== undefined) clientTokens.inc({ client, direction }, count);
  }
}

function recordStream({ firstToken, perToken }: Instruments, record: ExchangeRecord): void {
  const { family, streamed, firstPieceMs, lastPieceMs, usage, status = 0 } = record;
  if (!streamed || firstPieceMs === undefined || status >= 300) return;
  firstToken.observe({ family }, firstPieceMs / 1000);
  const later = (usage?.outputTokens ?? 0) - 1;
  if (later > 0 && lastPieceMs !== undefined) perToken.observe({ family }, (lastPieceMs - firstPieceMs) / 1000 / later);
}

function recordExchange(instruments: Instruments, record: ExchangeRecord): void {
  const { requests, duration, wait, rejections, clientRequests, bytes } = instruments;
  const { family, client, route, reason, outcome, queueMs, totalMs, reachedRuntime } = record;
  const code = String(record.status ?? CLIENT_GONE_STATUS);
  requests.inc({ family, route: route?.path ?? 'other', code });
  duration.observe({ family, code }, totalMs / 1000);
  if (outcome === 'Refused' && reason) rejections.inc({ reason });
  if (queueMs !== undefined) wait.observe(queueMs / 1000);
  if (reachedRuntime && client !== undefined) clientRequests.inc({ client });
  bytes.inc({ direction: 'input' }, record.bytesIn);
  bytes.inc({ direction: 'output' }, record.bytesOut);
  recordTokens(instruments, record);
  recordStream(instruments, record);
}

/** Registers everything of the catalogue. */
export function createGatewayMetrics(registry: Registry = createRegistry({ node: true })): GatewayMetrics {
  const instruments = createInstruments(registry);
  return {
    registry,
    exchange: (record) => recordExchange(instruments, record),
    unreadable: (reason) => instruments.rejections.inc({ reason }),
    canary(outcome, seconds) {
      instruments.canaries.inc({ outcome });
      instruments.canaryDuration.observe(seconds);
    },
    readFrom: (sources) => registerGauges(registry, sources),
  };
}
