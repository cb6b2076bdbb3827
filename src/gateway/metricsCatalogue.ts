// Every metric of the gateway: name, type, labels, buckets, meaning. Code registers from this table, and the docs are made from it.

interface MetricMeaning {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly meaning: string;
  /** Each takes few values, listed in `labelValues`; none comes from a client. */
  readonly labels: readonly Label[];
  /** Of a histogram. */
  readonly buckets?: readonly number[];
}

/** Where the values of a label come from, and that they are few. */
export const labelValues = {
  family: '`OpenAI`, `Native`, `Anthropic`',
  route: 'the path in the allow-list, or `other`',
  code: 'HTTP status',
  direction: '`input`, `output`',
  client: 'entry of the Secret with API keys; `anonymous` without auth',
  reason: 'as in the answer: `QueueFull`, `QueueTimeout`, `NotReady`, `Draining`, `Unauthorized` …',
  name: 'what the runtime calls the model',
  digest: 'of the manifest that is served; empty where the runtime has none',
  phase: '`Starting`, `RuntimeUp`, `Loading`, `Serving`, `Degraded`, `Draining`',
  outcome: '`Passed`, `Wrong`, `Failed`, `Silent`',
  version: 'of the gateway',
  runtime: '`Ollama`, `FoundryLocal`',
  class: '`CPU`, `GPU`, `NPU`: of the rung that was chosen',
} as const;

export type Label = keyof typeof labelValues;

/** Requests take from milliseconds (lists) to the limit of ten minutes. */
const requestSeconds = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];
/** As the OpenTelemetry GenAI conventions advise for these two. */
const firstTokenSeconds = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 30, 60,
];
const perTokenSeconds = [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5];
const waitSeconds = [0.001, 0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120];

export const metrics = {
  localmodel_requests_total: {
    type: 'counter',
    labels: ['family', 'route', 'code'],
    meaning: 'Requests that were answered, refusals included',
  },
  gen_ai_server_request_duration_seconds: {
    type: 'histogram',
    labels: ['family', 'code'],
    buckets: requestSeconds,
    meaning: 'Seconds from the first byte of a request to the last of its answer, queue included',
  },
  gen_ai_server_time_to_first_token_seconds: {
    type: 'histogram',
    labels: ['family'],
    buckets: firstTokenSeconds,
    meaning: 'Seconds from arrival to the first piece of a streamed answer, queue included',
  },
  gen_ai_server_time_per_output_token_seconds: {
    type: 'histogram',
    labels: ['family'],
    buckets: perTokenSeconds,
    meaning: 'Seconds per token after the first, of streamed answers',
  },
  localmodel_queue_wait_seconds: {
    type: 'histogram',
    labels: [],
    buckets: waitSeconds,
    meaning: 'Seconds that a request waited for a place at the runtime',
  },
  localmodel_requests_in_flight: { type: 'gauge', labels: [], meaning: 'Requests at the runtime now' },
  localmodel_requests_in_flight_limit: { type: 'gauge', labels: [], meaning: 'Most requests at the runtime at once' },
  localmodel_requests_queued: { type: 'gauge', labels: [], meaning: 'Requests that wait now' },
  localmodel_requests_queued_limit: { type: 'gauge', labels: [], meaning: 'Most requests that may wait' },
  localmodel_rejections_total: {
    type: 'counter',
    labels: ['reason'],
    meaning: 'Requests that the gateway refused',
  },
  localmodel_client_requests_total: {
    type: 'counter',
    labels: ['client'],
    meaning: 'Requests by client that reached the runtime',
  },
  localmodel_client_tokens_total: {
    type: 'counter',
    labels: ['client', 'direction'],
    meaning: 'Tokens by client, as the runtime counted them',
  },
  localmodel_tokens_total: {
    type: 'counter',
    labels: ['family', 'direction'],
    meaning: 'Tokens in and out, as the runtime counted them',
  },
  localmodel_bytes_total: {
    type: 'counter',
    labels: ['direction'],
    meaning: 'Bytes of bodies from and to clients',
  },
  localmodel_last_request_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    meaning: 'When the last request of a client came, as Unix time; 0 before the first',
  },
  localmodel_phase: {
    type: 'gauge',
    labels: ['phase'],
    meaning: '1 for the phase that the pod is in, 0 for the others',
  },
  localmodel_ready: { type: 'gauge', labels: [], meaning: '1 while the declared model is served' },
  localmodel_model_loaded_info: {
    type: 'gauge',
    labels: ['name', 'digest'],
    meaning: '1 for the model that the runtime has loaded; no series while there is none',
  },
  localmodel_model_load_seconds: { type: 'gauge', labels: [], meaning: 'Seconds that the last load took' },
  localmodel_model_residency_ratio: {
    type: 'gauge',
    labels: [],
    meaning: 'Share of the model that sits on the accelerator, 0 to 1; no series while it is not known',
  },
  localmodel_canary_total: { type: 'counter', labels: ['outcome'], meaning: 'Canaries by what came of them' },
  localmodel_canary_duration_seconds: {
    type: 'histogram',
    labels: [],
    buckets: requestSeconds,
    meaning: 'Seconds that a canary took',
  },
  localmodel_upstream_up: { type: 'gauge', labels: [], meaning: '1 while the runtime answers' },
  localmodel_runtime_restarts_total: {
    type: 'counter',
    labels: [],
    meaning: 'Restarts of the runtime that this gateway has seen',
  },
  localmodel_pull_completed_bytes: { type: 'gauge', labels: [], meaning: 'Bytes of the model that are in the store' },
  localmodel_pull_total_bytes: { type: 'gauge', labels: [], meaning: 'Bytes of the model in all; 0 while not known' },
  localmodel_certificate_expiry_timestamp_seconds: {
    type: 'gauge',
    labels: [],
    meaning: 'When the certificate of the API expires, as Unix time; no series without TLS',
  },
  localmodel_api_key_expiry_timestamp_seconds: {
    type: 'gauge',
    labels: ['client'],
    meaning: 'When the API key of a client expires or did, as Unix time; no series for keys that last',
  },
  localmodel_gateway_info: { type: 'gauge', labels: ['version', 'runtime', 'class'], meaning: 'Always 1' },
} as const satisfies Readonly<Record<string, MetricMeaning>>;

export type MetricName = keyof typeof metrics;
export type LabelsOf<N extends MetricName> = (typeof metrics)[N]['labels'][number];
