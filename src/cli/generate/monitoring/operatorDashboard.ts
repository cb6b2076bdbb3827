// The operator itself: does one lead, does it keep up, what does it cost the API server.
import type { Dashboard, Panel } from './panels.ts';

const OF = 'controller="localmodeldeployment"';
const RATE = '[$__rate_interval]';
/** Of the operator's pods alone: the names are those that every process has. */
const ours = (expr: string): string => `${expr}\nand on (namespace, pod) localmodel_deployments_condition`;

const p99 = (name: string, by = ''): string =>
  `histogram_quantile(0.99, sum by (${by ? `${by}, ` : ''}le) (rate(${name}_bucket{${OF}}${RATE})))`;

const work: Panel[] = [
  {
    title: 'Leader',
    about: '1 for the replica that acts.',
    kind: 'timeseries',
    unit: 'none',
    queries: [{ expr: ours('leader_election_master_status'), legend: '{{pod}}' }],
  },
  {
    title: 'Passes',
    about: 'Reconciles per second by result.',
    kind: 'timeseries',
    unit: 'ops',
    queries: [
      { expr: `sum by (result) (rate(controller_runtime_reconcile_total{${OF}}${RATE}))`, legend: '{{result}}' },
    ],
  },
  {
    title: 'Time of a pass, p99',
    about: 'From taking the key to the last write.',
    kind: 'timeseries',
    unit: 's',
    queries: [{ expr: p99('controller_runtime_reconcile_time_seconds'), legend: 'p99' }],
  },
  {
    title: 'Queue',
    about: 'Deployments that wait, and passes under way.',
    kind: 'timeseries',
    unit: 'none',
    queries: [
      { expr: `sum(workqueue_depth{${OF}})`, legend: 'waiting' },
      { expr: `sum(controller_runtime_active_workers{${OF}})`, legend: 'under way' },
    ],
  },
  {
    title: 'Wait in the queue, p99',
    about: 'Until a worker takes the key.',
    kind: 'timeseries',
    unit: 's',
    queries: [{ expr: p99('workqueue_queue_duration_seconds'), legend: 'p99' }],
  },
  {
    title: 'Failures',
    about: 'Per second; panics and timeouts are bugs of ours.',
    kind: 'timeseries',
    unit: 'ops',
    queries: [
      { expr: `sum(rate(controller_runtime_reconcile_errors_total{${OF}}${RATE}))`, legend: 'errors' },
      { expr: `sum(rate(controller_runtime_terminal_reconcile_errors_total{${OF}}${RATE}))`, legend: 'for good' },
      { expr: `sum(rate(controller_runtime_reconcile_panics_total{${OF}}${RATE}))`, legend: 'panics' },
      { expr: `sum(rate(controller_runtime_reconcile_timeouts_total{${OF}}${RATE}))`, legend: 'timeouts' },
    ],
  },
];

const requests: Panel[] = [
  {
    title: 'Requests to the API server',
    about: 'Per second, by verb and status.',
    kind: 'timeseries',
    unit: 'reqps',
    queries: [
      {
        expr: `sum by (method, code) (\n  ${ours(`rate(rest_client_requests_total${RATE})`).replace('\n', '\n  ')}\n)`,
        legend: '{{method}} {{code}}',
      },
    ],
  },
  {
    title: 'Answer of the API server, p99',
    about: 'By verb.',
    kind: 'timeseries',
    unit: 's',
    queries: [
      {
        expr: `histogram_quantile(0.99, sum by (verb, le) (\n  ${ours(`rate(rest_client_request_duration_seconds_bucket${RATE})`).replace('\n', '\n  ')}\n))`,
        legend: '{{verb}}',
      },
    ],
  },
  {
    title: 'Gateways',
    about: 'What the leader knows of them. Silent ones cannot be read: a NetworkPolicy, or a pod that has just begun.',
    kind: 'timeseries',
    unit: 'none',
    queries: [{ expr: 'sum by (heard) (localmodel_operator_gateways)', legend: '{{heard}}' }],
  },
];

const process: Panel[] = [
  {
    title: 'Memory',
    about: 'Resident, by replica.',
    kind: 'timeseries',
    unit: 'bytes',
    queries: [{ expr: ours('process_resident_memory_bytes'), legend: '{{pod}}' }],
  },
  {
    title: 'CPU',
    about: 'Cores, by replica.',
    kind: 'timeseries',
    unit: 'none',
    queries: [{ expr: ours(`rate(process_cpu_seconds_total${RATE})`), legend: '{{pod}}' }],
  },
  {
    title: 'Event loop, p99',
    about: 'A loop that stands still for seconds loses the Lease.',
    kind: 'timeseries',
    unit: 's',
    queries: [{ expr: ours('nodejs_eventloop_lag_p99_seconds'), legend: '{{pod}}' }],
  },
];

export const operatorDashboard: Dashboard = {
  uid: 'local-model-operator',
  title: 'Local model operator',
  about: 'The operator’s own health.',
  variables: [],
  rows: [
    { title: 'Work', panels: work },
    { title: 'Around it', panels: requests },
    { title: 'Process', panels: process },
  ],
};
