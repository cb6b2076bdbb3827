// One model: who asks, how it answers, what it is made of, and what its pods use of the machine.
import type { Dashboard, Panel } from './panels.ts';

const OF = 'namespace="$namespace",localmodel="$model"';
const RATE = '[$__rate_interval]';

const rate = (name: string, more = ''): string => `rate(${name}{${OF}${more}}${RATE})`;

const quantiles = (name: string) =>
  [0.5, 0.95].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, sum by (le) (${rate(`${name}_bucket`)}))`,
    legend: `p${quantile * 100}`,
  }));

/** cAdvisor and DCGM know pods and not models: joined by what the gateway says of its pod. */
const ofItsPods = (expr: string): string =>
  `${expr}\n* on (namespace, pod) group_left() max by (namespace, pod) (localmodel_gateway_info{${OF}})`;

const traffic: Panel[] = [
  {
    title: 'Requests',
    about: 'Answered per second, by status. 429 and 504 are the queue, 503 a model that is not ready.',
    kind: 'timeseries',
    unit: 'reqps',
    queries: [{ expr: `sum by (code) (${rate('localmodel_requests_total')})`, legend: '{{code}}' }],
  },
  {
    title: 'Tokens',
    about: 'Per second, as the runtime counted them.',
    kind: 'timeseries',
    unit: 'none',
    queries: [{ expr: `sum by (direction) (${rate('localmodel_tokens_total')})`, legend: '{{direction}}' }],
  },
  {
    title: 'Clients',
    about: 'Requests per second by API key that reached the runtime.',
    kind: 'timeseries',
    unit: 'reqps',
    queries: [{ expr: `sum by (client) (${rate('localmodel_client_requests_total')})`, legend: '{{client}}' }],
  },
];

const speed: Panel[] = [
  {
    title: 'Time to the first token',
    about: 'Of streamed answers, queue included.',
    kind: 'timeseries',
    unit: 's',
    queries: quantiles('gen_ai_server_time_to_first_token_seconds'),
  },
  {
    title: 'Time per token',
    about: 'After the first, of streamed answers.',
    kind: 'timeseries',
    unit: 's',
    queries: quantiles('gen_ai_server_time_per_output_token_seconds'),
  },
  {
    title: 'Requests, from first to last byte',
    about: 'Queue included.',
    kind: 'timeseries',
    unit: 's',
    queries: quantiles('gen_ai_server_request_duration_seconds'),
  },
];

const queue: Panel[] = [
  {
    title: 'At the runtime, and waiting',
    about: 'With their limits, summed over the pods.',
    kind: 'timeseries',
    unit: 'none',
    queries: [
      { expr: `sum(localmodel_requests_in_flight{${OF}})`, legend: 'in flight' },
      { expr: `sum(localmodel_requests_in_flight_limit{${OF}})`, legend: 'in flight, limit' },
      { expr: `sum(localmodel_requests_queued{${OF}})`, legend: 'waiting' },
      { expr: `sum(localmodel_requests_queued_limit{${OF}})`, legend: 'waiting, limit' },
    ],
  },
  {
    title: 'Wait for a place',
    about: 'Of requests that got one.',
    kind: 'timeseries',
    unit: 's',
    queries: quantiles('localmodel_queue_wait_seconds'),
  },
  {
    title: 'Refusals',
    about: 'By the reason that the answer gives.',
    kind: 'timeseries',
    unit: 'reqps',
    queries: [{ expr: `sum by (reason) (${rate('localmodel_rejections_total')})`, legend: '{{reason}}' }],
  },
];

const pods: Panel[] = [
  {
    title: 'Pods by phase',
    about: 'Serving: the declared model answers.',
    kind: 'timeseries',
    unit: 'none',
    queries: [{ expr: `sum by (phase) (localmodel_phase{${OF}})`, legend: '{{phase}}' }],
  },
  {
    title: 'Pull',
    about: 'Share of the model that is in the store of each pod.',
    kind: 'timeseries',
    unit: 'percentunit',
    queries: [
      {
        expr: `localmodel_pull_completed_bytes{${OF}} / (localmodel_pull_total_bytes{${OF}} > 0)`,
        legend: '{{pod}}',
      },
    ],
  },
  {
    title: 'On the accelerator',
    about: 'Share of the model that sits on the device; 0 on a CPU.',
    kind: 'timeseries',
    unit: 'percentunit',
    queries: [{ expr: `localmodel_model_residency_ratio{${OF}}`, legend: '{{pod}}' }],
  },
  {
    title: 'Canaries',
    about: 'In five minutes, by what came of them.',
    kind: 'timeseries',
    unit: 'none',
    queries: [{ expr: `sum by (outcome) (increase(localmodel_canary_total{${OF}}[5m]))`, legend: '{{outcome}}' }],
  },
  {
    title: 'Restarts of the runtime',
    about: 'Each costs the time of a load.',
    kind: 'timeseries',
    unit: 'none',
    queries: [{ expr: `increase(localmodel_runtime_restarts_total{${OF}}[5m])`, legend: '{{pod}}' }],
  },
  {
    title: 'Last load',
    about: 'Seconds from the request to load until the model was there.',
    kind: 'stat',
    unit: 's',
    queries: [{ expr: `localmodel_model_load_seconds{${OF}}`, legend: '{{pod}}' }],
  },
];

const machine: Panel[] = [
  {
    title: 'CPU',
    about: 'Needs the metrics of cAdvisor (kubelet), as kube-prometheus-stack scrapes them.',
    kind: 'timeseries',
    unit: 'none',
    queries: [
      {
        expr: ofItsPods(
          `sum by (namespace, pod, container) (rate(container_cpu_usage_seconds_total{namespace="$namespace",container!=""}${RATE}))`,
        ),
        legend: '{{pod}} {{container}}',
      },
    ],
  },
  {
    title: 'Memory',
    about: 'Needs the metrics of cAdvisor (kubelet).',
    kind: 'timeseries',
    unit: 'bytes',
    queries: [
      {
        expr: ofItsPods(
          'sum by (namespace, pod, container) (container_memory_working_set_bytes{namespace="$namespace",container!=""})',
        ),
        legend: '{{pod}} {{container}}',
      },
    ],
  },
  {
    title: 'GPU',
    about: 'Needs NVIDIA’s DCGM exporter with pod labels.',
    kind: 'timeseries',
    unit: 'percent',
    queries: [
      {
        expr: ofItsPods('max by (namespace, pod, gpu) (DCGM_FI_DEV_GPU_UTIL{namespace="$namespace"})'),
        legend: '{{pod}} GPU {{gpu}}',
      },
    ],
  },
];

export const modelDashboard: Dashboard = {
  uid: 'local-model',
  title: 'Local model',
  about: 'One LocalModelDeployment, by what its gateways report.',
  variables: [
    { name: 'namespace', label: 'Namespace', query: 'label_values(localmodel_ready, namespace)', multi: false },
    {
      name: 'model',
      label: 'Deployment',
      query: 'label_values(localmodel_ready{namespace="$namespace"}, localmodel)',
      multi: false,
    },
  ],
  rows: [
    { title: 'Traffic', panels: traffic },
    { title: 'Speed', panels: speed },
    { title: 'Queue', panels: queue },
    { title: 'Pods', panels: pods },
    { title: 'Machine', panels: machine },
  ],
};
