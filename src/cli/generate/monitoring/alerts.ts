// The alerts: one file of rules for all deployments. Every metric named here is one of the gateway's catalogue or of the
// operator (a test sees to it), and every alert has a page in docs/runbooks.

export type Severity = 'critical' | 'warning' | 'info';

export interface Alert {
  /** What is wrong, in one line, for who is woken. */
  readonly summary: string;
  readonly description: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: Severity;
}

const MODEL = '{{ $labels.namespace }}/{{ $labels.localmodel }}';
const POD = '{{ $labels.namespace }}/{{ $labels.pod }}';
/** For seconds until something ends. */
const EXPIRES = '{{ if lt $value 0.0 }}has expired{{ else }}expires in {{ $value | humanizeDuration }}{{ end }}';
const CONTROLLER = 'controller="localmodeldeployment"';

/** Mean of a histogram over a window, by model. */
const mean = (name: string, window: string, offset = ''): string =>
  `sum by (namespace, localmodel) (rate(${name}_sum[${window}]${offset}))\n/ sum by (namespace, localmodel) (rate(${name}_count[${window}]${offset}))`;

/** Slower in the last half hour than yesterday, by this factor, where there was enough traffic to say so. */
const slowerThanYesterday = (name: string, factor: number): string => `(
  ${mean(name, '30m').replace('\n', '\n  ')}
)
> ${factor} * (
  ${mean(name, '1d', ' offset 1d').replace('\n', '\n  ')}
)
and sum by (namespace, localmodel) (increase(${name}_count[30m])) >= 20
and sum by (namespace, localmodel) (increase(${name}_count[1d] offset 1d)) >= 100`;

const modelAlerts = {
  LocalModelNotReady: {
    summary: `No pod of ${MODEL} serves its model`,
    description: `For 15 minutes no pod of ${MODEL} has served the declared model, and no pull is making progress.`,
    expr: `max by (namespace, localmodel) (localmodel_ready) == 0
unless on (namespace, localmodel)
  max by (namespace, localmodel) (changes(localmodel_pull_completed_bytes[10m])) > 0`,
    for: '15m',
    severity: 'critical',
  },
  LocalModelPullStuck: {
    summary: `The pull in ${POD} makes no progress`,
    description: `The model of ${POD} is not whole, and not one byte has arrived for 15 minutes.`,
    expr: `localmodel_pull_completed_bytes < localmodel_pull_total_bytes
and changes(localmodel_pull_completed_bytes[15m]) == 0
and localmodel_ready == 0`,
    for: '5m',
    severity: 'warning',
  },
  LocalModelNotOnAccelerator: {
    summary: `The model in ${POD} is not wholly on its accelerator`,
    description: `{{ $value | humanizePercentage }} of the model in ${POD} sits on the device that was chosen for it; the rest is on the CPU, and slow.`,
    expr: `localmodel_model_residency_ratio < 1
and on (namespace, pod) localmodel_gateway_info{class=~"GPU|NPU"}`,
    for: '10m',
    severity: 'warning',
  },
  LocalModelQueueSaturated: {
    summary: `${MODEL} turns requests away`,
    description: `For 10 minutes ${MODEL} has refused {{ $value | printf "%.2g" }} requests per second because its queue was full or the wait too long.`,
    expr: `sum by (namespace, localmodel) (rate(localmodel_rejections_total{reason=~"QueueFull|QueueTimeout"}[5m])) > 0`,
    for: '10m',
    severity: 'warning',
  },
  LocalModelErrorRate: {
    summary: `${MODEL} fails requests`,
    description: `{{ $value | humanizePercentage }} of the requests to ${MODEL} have ended with a status of 500 or more.`,
    expr: `sum by (namespace, localmodel) (rate(localmodel_requests_total{code=~"5.."}[10m]))
/ sum by (namespace, localmodel) (rate(localmodel_requests_total[10m])) > 0.05
and sum by (namespace, localmodel) (increase(localmodel_requests_total{code=~"5.."}[10m])) >= 5`,
    for: '10m',
    severity: 'critical',
  },
  LocalModelSlowFirstToken: {
    summary: `${MODEL} answers later than yesterday`,
    description: `In the last 30 minutes the first token of ${MODEL} came after {{ $value | humanizeDuration }} on average, more than twice as late as the day before.`,
    expr: slowerThanYesterday('gen_ai_server_time_to_first_token_seconds', 2),
    for: '15m',
    severity: 'warning',
  },
  LocalModelSlowTokens: {
    summary: `${MODEL} generates more slowly than yesterday`,
    description: `In the last 30 minutes a token of ${MODEL} took {{ $value | humanizeDuration }} on average, more than one and a half times as long as the day before.`,
    expr: slowerThanYesterday('gen_ai_server_time_per_output_token_seconds', 1.5),
    for: '15m',
    severity: 'warning',
  },
  LocalModelCanaryFailing: {
    summary: `The canary of ${MODEL} gets no answer`,
    description: `At least three canaries of ${MODEL} have failed in 15 minutes.`,
    expr: `sum by (namespace, localmodel) (increase(localmodel_canary_total{outcome=~"Failed|Silent"}[15m])) >= 3`,
    for: '5m',
    severity: 'critical',
  },
  LocalModelCanaryWrong: {
    summary: `${MODEL} answers its canary wrongly`,
    description: `At least three canaries of ${MODEL} in 15 minutes were answered with nothing, or without what spec.monitoring.canary.expect asks for.`,
    expr: `sum by (namespace, localmodel) (increase(localmodel_canary_total{outcome="Wrong"}[15m])) >= 3`,
    for: '5m',
    severity: 'warning',
  },
  LocalModelRuntimeRestarts: {
    summary: `The runtime in ${POD} keeps restarting`,
    description: `The runtime in ${POD} has restarted {{ $value | humanize }} times in an hour; each time its model is loaded again.`,
    expr: `increase(localmodel_runtime_restarts_total[1h]) >= 3`,
    for: '0m',
    severity: 'warning',
  },
  LocalModelCertificateExpires: {
    summary: `The certificate of ${MODEL} expires`,
    description: `The certificate in spec.api.tls.secretRef of ${MODEL} ${EXPIRES}.`,
    expr: `min by (namespace, localmodel) (localmodel_certificate_expiry_timestamp_seconds) - time() < 14 * 86400`,
    for: '1h',
    severity: 'warning',
  },
  LocalModelKeyExpires: {
    summary: `A key for ${MODEL} expires: {{ $labels.client }}`,
    description: `The key of the client {{ $labels.client }} in spec.api.auth.secretRef of ${MODEL} ${EXPIRES}.`,
    expr: `min by (namespace, localmodel, client) (localmodel_api_key_expiry_timestamp_seconds) - time() < 14 * 86400`,
    for: '1h',
    severity: 'warning',
  },
} as const satisfies Readonly<Record<string, Alert>>;

const operatorAlerts = {
  LocalModelOperatorNotReconciling: {
    summary: 'No operator of local-model-operator leads',
    description:
      'For 10 minutes no replica of the operator has led: changes are not carried out. Models that serve go on serving.',
    expr: `absent(localmodel_deployments_condition)
or sum(leader_election_master_status and on (namespace, pod) localmodel_deployments_condition) == 0`,
    for: '10m',
    severity: 'critical',
  },
  LocalModelOperatorErrors: {
    summary: 'The operator fails to reconcile',
    description: '{{ $value | humanizePercentage }} of the passes of the operator have failed.',
    expr: `sum(rate(controller_runtime_reconcile_errors_total{${CONTROLLER}}[10m]))
/ sum(rate(controller_runtime_reconcile_total{${CONTROLLER}}[10m])) > 0.1`,
    for: '15m',
    severity: 'warning',
  },
  LocalModelOperatorBehind: {
    summary: 'The operator does not keep up',
    description: 'Deployments have waited for more than a minute to be looked at for 15 minutes.',
    expr: `histogram_quantile(0.9, sum by (le) (rate(workqueue_queue_duration_seconds_bucket{${CONTROLLER}}[10m]))) > 60
or max(workqueue_longest_running_processor_seconds{${CONTROLLER}}) > 120`,
    for: '15m',
    severity: 'warning',
  },
  LocalModelDeploymentsNotReady: {
    summary: 'Deployments of local models that are not Ready: {{ $value }}',
    description:
      'For 30 minutes there have been LocalModelDeployments with Ready=False or Unknown ({{ $value }}); pods that do not exist have no metrics, so this is the only alert for them.',
    expr: `sum(max by (status) (localmodel_deployments_condition{condition="Ready",status!="True"})) > 0`,
    for: '30m',
    severity: 'warning',
  },
  LocalModelDeploymentsStalled: {
    summary: 'Deployments of local models that wait for a person: {{ $value }}',
    description: 'For 15 minutes there have been Stalled LocalModelDeployments ({{ $value }}): no retry mends them.',
    expr: `max(localmodel_deployments_condition{condition="Stalled",status="True"}) > 0`,
    for: '15m',
    severity: 'warning',
  },
} as const satisfies Readonly<Record<string, Alert>>;

export const alerts: Readonly<Record<string, Alert>> = { ...modelAlerts, ...operatorAlerts };

const RUNBOOKS = 'docs/runbooks';

const ruleOf = ([alert, { expr, for: patience, severity, summary, description }]: [string, Alert]) => ({
  alert,
  expr,
  for: patience,
  labels: { severity },
  annotations: { summary, description, runbook_url: `${RUNBOOKS}/${alert}.md` },
});

/** A file of rules as Prometheus reads it. Runbooks by their path in this repository; the chart knows where that can be read. */
export const ruleFile = () => ({
  groups: [
    { name: 'local-models', rules: Object.entries(modelAlerts).map(ruleOf) },
    { name: 'local-model-operator', rules: Object.entries(operatorAlerts).map(ruleOf) },
  ],
});
