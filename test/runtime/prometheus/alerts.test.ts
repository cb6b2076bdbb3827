// The alerts played through by Prometheus itself: what makes each fire, and the like of it that must not.
import { beforeAll, describe, expect, it } from 'vitest';
import { alerts } from '../../../src/cli/generate/monitoring/alerts.ts';
import { dashboards, expressionsOf } from '../../../src/cli/generate/monitoring/dashboards.ts';
import { givenPromjudge } from './given.ts';
import { chartRules, filledIn, judge, type Verdict } from './judge.ts';

interface Scene {
  /** What happens, in words. */
  title: string;
  series: string[];
  untilMinutes: number;
  fires: (keyof typeof alerts)[];
}

const POD = 'namespace="ai",localmodel="qwen",pod="qwen-1"';
const OTHER = 'namespace="ai",localmodel="qwen",pod="qwen-2"';
const OPERATOR = 'namespace="lmo",pod="operator-1"';
const LOOP = 'controller="localmodeldeployment"';
/** What an operator that is well reports, so that its own alerts keep still. */
const operatorIsWell = [
  `localmodel_deployments_condition{${OPERATOR},condition="Ready",status="True"} 3x3000`,
  `leader_election_master_status{${OPERATOR}} 1x3000`,
];
const well = (lines: string[]) => [...operatorIsWell, ...lines];

/** A histogram's mean: `seconds` in all and `count` observations, each minute. */
const histogram = (name: string, pieces: [seconds: number, count: number, minutes: number][]): string[] => {
  const values = (index: 0 | 1): string => {
    let sum = 0;
    return pieces
      .map((piece) => {
        const line = `${sum}+${piece[index]}x${piece[2]}`;
        sum += piece[index] * piece[2];
        return line;
      })
      .join(' ');
  };
  return [`${name}_sum{${POD}} ${values(0)}`, `${name}_count{${POD}} ${values(1)}`];
};

const DAY = 1440;

const scenes: Scene[] = [
  {
    title: 'no pod serves for a quarter of an hour',
    series: well([`localmodel_ready{${POD}} 0x60`, `localmodel_ready{${OTHER}} 0x60`]),
    untilMinutes: 20,
    fires: ['LocalModelNotReady'],
  },
  {
    title: 'one of two pods serves',
    series: well([`localmodel_ready{${POD}} 0x60`, `localmodel_ready{${OTHER}} 1x60`]),
    untilMinutes: 30,
    fires: [],
  },
  {
    title: 'a pull makes progress, however long it takes',
    series: well([
      `localmodel_ready{${POD}} 0x120`,
      `localmodel_pull_completed_bytes{${POD}} 0+1000x120`,
      `localmodel_pull_total_bytes{${POD}} 1000000x120`,
    ]),
    untilMinutes: 100,
    fires: [],
  },
  {
    title: 'a pull that had begun stands still',
    series: well([
      `localmodel_ready{${POD}} 0x120`,
      `localmodel_pull_completed_bytes{${POD}} 0+1000x10 10000x110`,
      `localmodel_pull_total_bytes{${POD}} 1000000x120`,
    ]),
    untilMinutes: 60,
    fires: ['LocalModelNotReady', 'LocalModelPullStuck'],
  },
  {
    title: 'half of the model is on the CPU, though a GPU was chosen',
    series: well([
      `localmodel_model_residency_ratio{${POD}} 0.5x60`,
      `localmodel_gateway_info{${POD},version="1",runtime="Ollama",class="GPU"} 1x60`,
    ]),
    untilMinutes: 15,
    fires: ['LocalModelNotOnAccelerator'],
  },
  {
    title: 'all of the model is on the CPU, as was chosen',
    series: well([
      `localmodel_model_residency_ratio{${POD}} 0x60`,
      `localmodel_gateway_info{${POD},version="1",runtime="Ollama",class="CPU"} 1x60`,
    ]),
    untilMinutes: 15,
    fires: [],
  },
  {
    title: 'requests are refused because the queue is full',
    series: well([`localmodel_rejections_total{${POD},reason="QueueFull"} 0+30x60`]),
    untilMinutes: 20,
    fires: ['LocalModelQueueSaturated'],
  },
  {
    title: 'requests without a key are refused',
    series: well([`localmodel_rejections_total{${POD},reason="Unauthorized"} 0+30x60`]),
    untilMinutes: 20,
    fires: [],
  },
  {
    title: 'a tenth of the requests fail',
    series: well([
      `localmodel_requests_total{${POD},code="200"} 0+90x60`,
      `localmodel_requests_total{${POD},code="502"} 0+10x60`,
    ]),
    untilMinutes: 30,
    fires: ['LocalModelErrorRate'],
  },
  {
    title: 'clients make mistakes, and one request fails',
    series: well([
      `localmodel_requests_total{${POD},code="400"} 0+90x60`,
      `localmodel_requests_total{${POD},code="502"} 0x20 1x40`,
    ]),
    untilMinutes: 40,
    fires: [],
  },
  {
    title: 'the first token comes three times as late as the day before',
    series: well(
      histogram('gen_ai_server_time_to_first_token_seconds', [
        [1, 2, 2 * DAY],
        [3, 2, 120],
      ]),
    ),
    untilMinutes: 2 * DAY + 90,
    fires: ['LocalModelSlowFirstToken'],
  },
  {
    title: 'the first token comes as it did the day before',
    series: well(histogram('gen_ai_server_time_to_first_token_seconds', [[1, 2, 2 * DAY + 120]])),
    untilMinutes: 2 * DAY + 90,
    fires: [],
  },
  {
    title: 'the first token comes late, in the few answers that there were',
    series: well(
      histogram('gen_ai_server_time_to_first_token_seconds', [
        [1, 2, 2 * DAY],
        [0.9, 0.3, 120],
      ]),
    ),
    untilMinutes: 2 * DAY + 90,
    fires: [],
  },
  {
    title: 'a token takes twice as long as the day before',
    series: well(
      histogram('gen_ai_server_time_per_output_token_seconds', [
        [0.1, 2, 2 * DAY],
        [0.2, 2, 120],
      ]),
    ),
    untilMinutes: 2 * DAY + 90,
    fires: ['LocalModelSlowTokens'],
  },
  {
    title: 'canaries are not answered',
    series: well([`localmodel_canary_total{${POD},outcome="Silent"} 0+1x60`]),
    untilMinutes: 25,
    fires: ['LocalModelCanaryFailing'],
  },
  {
    title: 'canaries are answered with something else',
    series: well([
      `localmodel_canary_total{${POD},outcome="Wrong"} 0+1x60`,
      `localmodel_canary_total{${POD},outcome="Passed"} 0+1x60`,
    ]),
    untilMinutes: 25,
    fires: ['LocalModelCanaryWrong'],
  },
  {
    title: 'canaries pass',
    series: well([`localmodel_canary_total{${POD},outcome="Passed"} 0+1x60`]),
    untilMinutes: 25,
    fires: [],
  },
  {
    title: 'the runtime has restarted four times',
    series: well([`localmodel_runtime_restarts_total{${POD}} 0 1 2 3 4 4x60`]),
    untilMinutes: 20,
    fires: ['LocalModelRuntimeRestarts'],
  },
  {
    title: 'the runtime has restarted once',
    series: well([`localmodel_runtime_restarts_total{${POD}} 0x5 1x60`]),
    untilMinutes: 20,
    fires: [],
  },
  {
    title: 'a certificate expires in a week',
    series: well([`localmodel_certificate_expiry_timestamp_seconds{${POD}} 604800x120`]),
    untilMinutes: 70,
    fires: ['LocalModelCertificateExpires'],
  },
  {
    title: 'a certificate expires in a month',
    series: well([`localmodel_certificate_expiry_timestamp_seconds{${POD}} 2592000x120`]),
    untilMinutes: 70,
    fires: [],
  },
  {
    title: 'nothing is known of any operator',
    series: [`up 1x60`],
    untilMinutes: 15,
    fires: ['LocalModelOperatorNotReconciling'],
  },
  {
    title: 'two operators wait, and somebody else’s controller leads',
    series: [
      `localmodel_deployments_condition{${OPERATOR},condition="Ready",status="True"} 3x60`,
      `leader_election_master_status{${OPERATOR}} 0x60`,
      `leader_election_master_status{namespace="other",pod="x"} 1x60`,
    ],
    untilMinutes: 15,
    fires: ['LocalModelOperatorNotReconciling'],
  },
  {
    title: 'half of the passes fail',
    series: well([
      `controller_runtime_reconcile_errors_total{${OPERATOR},${LOOP}} 0+5x60`,
      `controller_runtime_reconcile_total{${OPERATOR},${LOOP},result="error"} 0+5x60`,
      `controller_runtime_reconcile_total{${OPERATOR},${LOOP},result="success"} 0+5x60`,
    ]),
    untilMinutes: 30,
    fires: ['LocalModelOperatorErrors'],
  },
  {
    title: 'somebody else’s controller fails',
    series: well([
      `controller_runtime_reconcile_errors_total{namespace="x",pod="x",controller="x"} 0+5x60`,
      `controller_runtime_reconcile_total{namespace="x",pod="x",controller="x",result="error"} 0+5x60`,
    ]),
    untilMinutes: 30,
    fires: [],
  },
  {
    title: 'keys wait for minutes',
    series: well([
      `workqueue_queue_duration_seconds_bucket{${OPERATOR},${LOOP},le="60"} 0x60`,
      `workqueue_queue_duration_seconds_bucket{${OPERATOR},${LOOP},le="300"} 0+5x60`,
      `workqueue_queue_duration_seconds_bucket{${OPERATOR},${LOOP},le="+Inf"} 0+5x60`,
    ]),
    untilMinutes: 30,
    fires: ['LocalModelOperatorBehind'],
  },
  {
    title: 'two deployments are not Ready for half an hour, as both operators count',
    series: well([
      `localmodel_deployments_condition{${OPERATOR},condition="Ready",status="False"} 2x60`,
      `localmodel_deployments_condition{namespace="lmo",pod="operator-2",condition="Ready",status="False"} 2x60`,
    ]),
    untilMinutes: 40,
    fires: ['LocalModelDeploymentsNotReady'],
  },
  {
    title: 'a deployment is stalled',
    series: well([`localmodel_deployments_condition{${OPERATOR},condition="Stalled",status="True"} 1x60`]),
    untilMinutes: 20,
    fires: ['LocalModelDeploymentsStalled'],
  },
];

let verdict: Verdict | undefined;

const program = givenPromjudge();

beforeAll(async () => {
  if (!program.path) return;
  const queries = Object.values(dashboards).flatMap(expressionsOf).map(filledIn);
  verdict = await judge(program.path, { rules: chartRules, queries, plays: scenes });
}, 120_000);

describe('Prometheus', () => {
  it('loads the alerts and understands every query of the dashboards', () => {
    expect(verdict?.problems).toEqual([]);
  });

  it.each(scenes.map((scene, index) => ({ ...scene, index })))('$title: $fires', ({ index, fires }) => {
    const fired = (verdict?.plays[index]?.firing ?? []).map(({ alert }) => alert);
    expect([...new Set(fired)].sort()).toEqual([...fires].sort());
  });

  it('has seen every alert fire', () => {
    const seen = new Set(scenes.flatMap(({ fires }) => fires));
    expect(Object.keys(alerts).filter((name) => !seen.has(name as never))).toEqual([]);
  });

  it('fills in what is wrong and where, and counts what two operators count once', () => {
    const all = (verdict?.plays ?? []).flatMap(({ firing }) => firing);
    for (const { alert, annotations } of all) {
      expect(`${annotations.summary} ${annotations.description}`, alert).not.toMatch(/\{\{|<no value>|%!/);
    }
    expect(all.find(({ alert }) => alert === 'LocalModelNotReady')?.annotations.summary).toContain('ai/qwen');
    expect(all.find(({ alert }) => alert === 'LocalModelDeploymentsNotReady')?.annotations.summary).toMatch(
      /^2 deployments/,
    );
  });
});
