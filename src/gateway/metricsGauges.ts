// The metrics that say how things stand: read from their sources at each scrape, so that none is ever stale.
import { Counter, Gauge, type Registry } from 'prom-client';
import type { GatewayConfig } from './config.ts';
import { residencyOf, servedModel } from './fitness.ts';
import { type MetricName, metrics } from './metricsCatalogue.ts';
import { type Phase, reasons } from './reasons.ts';
import type { State } from './state.ts';

/** Asked at each scrape. */
export interface GaugeSources {
  state(): State;
  admission: { readonly inFlight: number; readonly queued: number };
  limits: Pick<GatewayConfig['limits'], 'maxInFlight' | 'maxQueue'>;
  /** Milliseconds since the epoch; undefined before the first. */
  lastRequestAt(): number | undefined;
  pull(): { completedBytes?: number | undefined; totalBytes?: number | undefined } | undefined;
  /** When the certificate expires, milliseconds since the epoch; undefined without TLS. */
  certificateExpiry(): number | undefined;
  /** The keys that clients have; expiry in milliseconds since the epoch. */
  apiKeys(): readonly { readonly client: string; readonly expiresAt?: number }[];
  version: string;
  runtime: GatewayConfig['runtime']['kind'];
  class: GatewayConfig['residency']['class'];
}

interface Sample {
  readonly value: number;
  readonly labels?: Readonly<Record<string, string>>;
}

/** No samples: no series. */
type Reading = (sources: GaugeSources) => readonly Sample[];

const one = (value: number): readonly Sample[] => [{ value }];
const maybe = (value: number | undefined): readonly Sample[] => (value === undefined ? [] : one(value));
const flag = (value: boolean) => one(value ? 1 : 0);

const phases: readonly Phase[] = [...new Set(Object.values(reasons).map(({ phase }) => phase))];

function loadedInfo({ state }: GaugeSources): readonly Sample[] {
  const { facts } = state();
  const loaded = servedModel(facts) ?? facts.loaded?.[0];
  return loaded ? [{ value: 1, labels: { name: loaded.name, digest: loaded.digest ?? '' } }] : [];
}

const readings = {
  localmodel_requests_in_flight: ({ admission }) => one(admission.inFlight),
  localmodel_requests_in_flight_limit: ({ limits }) => one(limits.maxInFlight),
  localmodel_requests_queued: ({ admission }) => one(admission.queued),
  localmodel_requests_queued_limit: ({ limits }) => one(limits.maxQueue),
  localmodel_last_request_timestamp_seconds: ({ lastRequestAt }) => one((lastRequestAt() ?? 0) / 1000),
  localmodel_phase: ({ state }) =>
    phases.map((phase) => ({ value: phase === state().phase ? 1 : 0, labels: { phase } })),
  localmodel_ready: ({ state }) => flag(state().phase === 'Serving'),
  localmodel_model_loaded_info: loadedInfo,
  localmodel_model_load_seconds: ({ state }) => maybe(state().facts.load.seconds),
  localmodel_model_residency_ratio: ({ state, class: deviceClass }) =>
    maybe(residencyOf(state().facts, { class: deviceClass })),
  localmodel_upstream_up: ({ state }) => flag(state().facts.runtime.answer === 'Up'),
  localmodel_runtime_restarts_total: ({ state }) => one(state().facts.runtime.restarts),
  localmodel_pull_completed_bytes: ({ pull }) => maybe(pull()?.completedBytes),
  localmodel_pull_total_bytes: ({ pull }) => one(pull()?.totalBytes ?? 0),
  localmodel_certificate_expiry_timestamp_seconds: ({ certificateExpiry }) => {
    const at = certificateExpiry();
    return maybe(at === undefined ? undefined : at / 1000);
  },
  localmodel_api_key_expiry_timestamp_seconds: ({ apiKeys }) =>
    apiKeys().flatMap(({ client, expiresAt }) =>
      expiresAt === undefined ? [] : [{ value: expiresAt / 1000, labels: { client } }],
    ),
  localmodel_gateway_info: ({ version, runtime, class: device }) => [
    { value: 1, labels: { version, runtime, class: device } },
  ],
} as const satisfies { readonly [N in MetricName]?: Reading };

/** A counter too may be read at the scrape, where somebody else counts. */
function register(registry: Registry, name: keyof typeof readings, sources: GaugeSources): void {
  const { type, meaning, labels } = metrics[name];
  const options = { name, help: meaning, labelNames: [...labels], registers: [registry] };
  const read: Reading = readings[name];
  if (type === 'counter') {
    new Counter<string>({
      ...options,
      collect() {
        this.reset();
        for (const { value, labels = {} } of read(sources)) this.inc(labels, value);
      },
    });
    return;
  }
  new Gauge<string>({
    ...options,
    collect() {
      this.reset();
      const samples = read(sources);
      // A gauge without labels is born with the value 0.
      if (samples.length === 0 && labels.length === 0) this.remove();
      for (const { value, labels = {} } of samples) this.set(labels, value);
    },
  });
}

export function registerGauges(registry: Registry, sources: GaugeSources): void {
  for (const name of Object.keys(readings) as (keyof typeof readings)[]) register(registry, name, sources);
}
