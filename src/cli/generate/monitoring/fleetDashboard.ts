// All models: how many, which are not ready, who takes the traffic.
import type { Dashboard, Panel } from './panels.ts';

const OF = 'namespace=~"$namespace"';
const BY = 'by (namespace, localmodel)';
const LEGEND = '{{namespace}}/{{localmodel}}';

const conditionCount = (condition: string, status: string): string =>
  `max(localmodel_deployments_condition{condition="${condition}",status="${status}"})`;

const stat = (title: string, about: string, expr: string): Panel => ({
  title,
  about,
  kind: 'stat',
  unit: 'none',
  queries: [{ expr }],
  width: 4,
});

const overview: Panel[] = [
  stat('Deployments', 'LocalModelDeployments that exist', 'sum(max by (runtime) (localmodel_deployments))'),
  stat('Ready', 'Every wanted pod answers with the declared model', conditionCount('Ready', 'True')),
  stat('Not Ready', 'Ready is False', conditionCount('Ready', 'False')),
  stat('Stalled', 'Only a person can help', conditionCount('Stalled', 'True')),
  stat('Not placed', 'No rung of the hardware ladder can be had', conditionCount('Placed', 'False')),
  stat('Upgrade pending', 'Pods run what an older operator rendered', conditionCount('UpToDate', 'False')),
];

const models: Panel[] = [
  {
    title: 'Pods that serve',
    about: 'Of each deployment, with all its pods beside.',
    kind: 'table',
    unit: 'none',
    width: 12,
    queries: [
      { expr: `sum ${BY} (localmodel_ready{${OF}})` },
      { expr: `count ${BY} (localmodel_ready{${OF}})` },
      { expr: `time() - max ${BY} (localmodel_last_request_timestamp_seconds{${OF}} > 0)` },
    ],
  },
  {
    title: 'Pods by phase',
    about: 'Over all deployments.',
    kind: 'timeseries',
    unit: 'none',
    width: 12,
    queries: [{ expr: `sum by (phase) (localmodel_phase{${OF}})`, legend: '{{phase}}' }],
  },
];

const traffic: Panel[] = [
  {
    title: 'Requests',
    about: 'Answered per second.',
    kind: 'timeseries',
    unit: 'reqps',
    queries: [{ expr: `sum ${BY} (rate(localmodel_requests_total{${OF}}[$__rate_interval]))`, legend: LEGEND }],
  },
  {
    title: 'Tokens that were generated',
    about: 'Per second.',
    kind: 'timeseries',
    unit: 'none',
    queries: [
      {
        expr: `sum ${BY} (rate(localmodel_tokens_total{${OF},direction="output"}[$__rate_interval]))`,
        legend: LEGEND,
      },
    ],
  },
  {
    title: 'Failed requests',
    about: 'Share with a status of 500 or more.',
    kind: 'timeseries',
    unit: 'percentunit',
    queries: [
      {
        expr: `sum ${BY} (rate(localmodel_requests_total{${OF},code=~"5.."}[$__rate_interval]))\n/ sum ${BY} (rate(localmodel_requests_total{${OF}}[$__rate_interval]))`,
        legend: LEGEND,
      },
    ],
  },
  {
    title: 'First token, p95',
    about: 'Of streamed answers, queue included.',
    kind: 'timeseries',
    unit: 's',
    queries: [
      {
        expr: `histogram_quantile(0.95, sum by (namespace, localmodel, le) (rate(gen_ai_server_time_to_first_token_seconds_bucket{${OF}}[$__rate_interval])))`,
        legend: LEGEND,
      },
    ],
  },
  {
    title: 'Places taken',
    about: 'Requests at the runtime as a share of its limit: near 1 for long, think of another replica.',
    kind: 'timeseries',
    unit: 'percentunit',
    queries: [
      {
        expr: `sum ${BY} (localmodel_requests_in_flight{${OF}}) / sum ${BY} (localmodel_requests_in_flight_limit{${OF}})`,
        legend: LEGEND,
      },
    ],
  },
  {
    title: 'Waiting',
    about: 'Requests in the queues.',
    kind: 'timeseries',
    unit: 'none',
    queries: [{ expr: `sum ${BY} (localmodel_requests_queued{${OF}})`, legend: LEGEND }],
  },
];

export const fleetDashboard: Dashboard = {
  uid: 'local-models',
  title: 'Local models',
  about: 'Every LocalModelDeployment of the cluster.',
  variables: [
    { name: 'namespace', label: 'Namespace', query: 'label_values(localmodel_ready, namespace)', multi: true },
  ],
  rows: [
    { title: 'Deployments', panels: overview },
    { title: 'Models', panels: models },
    { title: 'Traffic', panels: traffic },
  ],
};
