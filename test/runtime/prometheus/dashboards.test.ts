// A real Prometheus that has scraped a real gateway in front of a real Ollama, and a real operator: every query of the dashboards
// and of the alerts has an answer there, so none of them names a metric or a label that is not exposed.
import { expect, describe as group, test } from 'vitest';
import { alerts } from '../../../src/cli/generate/monitoring/alerts.ts';
import { expressionsOf, dashboards as sources } from '../../../src/cli/generate/monitoring/dashboards.ts';
import { labelsIn, metricsIn } from '../../../src/cli/generate/monitoring/queries.ts';
import { waitFor } from '../../controlplane/wait.ts';
import { given } from '../given.ts';
import {
  deployModel,
  type MonitoredCluster,
  modelObjects,
  operatorObjects,
  patience,
  startMonitoredCluster,
} from './cluster.ts';
import { exposeForeign, foreign, foreignScrape } from './foreign.ts';
import { type Dashboard, dashboards, filledIn, type Question } from './grafana.ts';
import { type ModelPod, publishModel, specOf, startModelPod } from './model.ts';
import { discovered, scrapeConfigs } from './scrape.ts';
import { chartRules, type PrometheusServer, type Series, startPrometheus } from './server.ts';

const NAME = 'qwen';

interface Target {
  scrapePool: string;
  health: string;
  lastScrape: string;
  lastError: string;
}

/** Everything that happened before it was asked for is in Prometheus then. */
async function scraped(prometheus: PrometheusServer): Promise<void> {
  const since = Date.now();
  await waitFor(
    'all targets have been scraped',
    async () => {
      const { activeTargets } = await prometheus.api<{ activeTargets: Target[] }>('targets');
      const late = activeTargets.filter(({ health, lastScrape }) => health !== 'up' || Date.parse(lastScrape) < since);
      if (late.length > 0) throw new Error(JSON.stringify(late));
      return activeTargets.length === 3 || undefined;
    },
    patience,
  );
}

/** Chats, more of them at once than there is room for, a runtime that is killed and comes back, and work for the operator. */
async function happen(model: ModelPod, cluster: MonitoredCluster): Promise<void> {
  expect(await model.chat({ tokens: 20 })).toBe(200);
  expect(await model.chat({ tokens: 20, stream: true })).toBe(200);
  const statuses = await Promise.all(Array.from({ length: 6 }, () => model.chat({ tokens: 400, stream: true })));
  expect(new Set(statuses)).toEqual(new Set([200, 429]));
  model.ollama.kill('SIGKILL');
  await model.gateway.secondsUntil(/^RuntimeDown/);
  await model.ollama.ended();
  for (let count = 0; count < 6; count++) expect(await model.chat({ tokens: 1 })).toBe(503);
  await model.ollama.start();
  await model.gateway.secondsUntil(/^Serving/);
  const service = `/api/v1/namespaces/${cluster.namespace}/services/${NAME}`;
  const { metadata } = await cluster.read(service);
  await cluster.call('DELETE', service);
  await waitFor(
    'the operator has made the Service again',
    async () => (await cluster.read(service)).metadata.uid !== metadata.uid || undefined,
    patience,
  );
}

const world = given(['ollama', 'registries', 'prometheus', 'cluster'], async (programs, atEnd) => {
  const { cluster, operator } = await startMonitoredCluster({ binaries: programs.cluster }, atEnd);
  const { registry, reference } = await publishModel(programs.registries, atEnd);
  const spec = specOf(reference);
  const limits = { maxInFlight: 1, maxQueue: 1 };
  const { pod, config } = await deployModel(cluster, NAME, { ...spec, api: { ...spec.api, limits } });
  const model = await startModelPod({ ollama: programs.ollama, registry, reference, config }, atEnd);
  const others = await exposeForeign(cluster.namespace, pod);
  atEnd(others.stop);
  const { service, monitor } = await modelObjects(cluster, NAME);
  const address = new URL(model.gateway.adminUrl).host;
  const monitors = [monitor, (await operatorObjects()).monitor];
  const prometheus = await startPrometheus({
    program: programs.prometheus.prometheus,
    scrape: (file) => [...monitors.flatMap((each) => scrapeConfigs(each, file)), foreignScrape(others)],
    groups: [operator, discovered({ service, pod, container: 'gateway', address })],
    rules: [chartRules],
  });
  atEnd(prometheus.stop);
  const start = Date.now() / 1000;
  // Twice: a counter that is born with its first event has risen only at its second.
  await scraped(prometheus);
  for (const _ of [1, 2]) {
    await happen(model, cluster);
    await scraped(prometheus);
  }
  await scraped(prometheus);
  const span = { start, end: Date.now() / 1000, step: 1 };
  return { prometheus, span, namespace: cluster.namespace, pod };
});

/** The values that Grafana would offer, each variable filled with what was chosen of those before it. */
async function valuesOf({ variables }: Dashboard): Promise<Record<string, string[]>> {
  const { prometheus } = world();
  const chosen: Record<string, string> = {};
  const offered: Record<string, string[]> = {};
  for (const { name, selector, label } of variables) {
    const values = await prometheus.api<string[]>(`label/${label}/values`, { 'match[]': filledIn(selector, chosen) });
    offered[name] = values;
    chosen[name] = values[0] ?? '';
  }
  return offered;
}

const isNumber = ([, value]: [number, string]) => value !== 'NaN';

/** Series of the answer that hold a number somewhere, as a panel would show it. */
async function answerTo({ expr, instant }: Question, values: Record<string, string>): Promise<Series[]> {
  const { prometheus, span } = world();
  const query = filledIn(expr, values);
  const answer = instant ? await prometheus.instant(query) : await prometheus.range(query, span);
  return answer.filter(({ value, values: many = [] }) => [...(value ? [value] : []), ...many].some(isNumber));
}

group.each(dashboards)('the dashboard $name', (dashboard) => {
  const { variables, questions } = dashboard;

  test('offers the model that there is', async () => {
    const expected: Record<string, string> = { namespace: world().namespace, model: NAME };
    const wanted = Object.fromEntries(variables.map(({ name }) => [name, [expected[name]]]));
    expect(await valuesOf(dashboard)).toEqual(wanted);
  });

  test.each(questions)('shows something in $panel: $expr', async (question) => {
    const offered = Object.entries(await valuesOf(dashboard));
    const values = Object.fromEntries(offered.map(([name, [first = '']]) => [name, first]));
    expect(await answerTo(question, values)).not.toEqual([]);
  });
});

test.each(dashboards.filter(({ variables }) => variables.some(({ all }) => all)))(
  'the dashboard $name shows something too where all is chosen',
  async ({ variables, questions }) => {
    const all = Object.fromEntries(variables.flatMap(({ name, all: value }) => (value ? [[name, value]] : [])));
    for (const question of questions) expect(await answerTo(question, all), question.expr).not.toEqual([]);
  },
);

group('the alerts', () => {
  const read = Object.entries(alerts).flatMap(([name, { expr }]) =>
    metricsIn(expr).map((metric) => ({ name, metric, expr })),
  );

  test.each(read)('$name reads $metric, which is exposed', async ({ metric }) => {
    expect(await world().prometheus.instant(`count(${metric})`)).not.toEqual([]);
  });

  test.each(Object.entries(alerts))('%s uses labels that what it reads has', async (_name, { expr }) => {
    const found = await world().prometheus.instant(`{__name__=~"${metricsIn(expr).join('|')}"}`);
    const labels = new Set(found.flatMap(({ metric }) => Object.keys(metric)));
    expect(labelsIn(expr).filter((label) => !labels.has(label))).toEqual([]);
  });

  test.each(Object.entries(alerts))(
    '%s can be asked for now and over the time that has passed',
    async (_name, { expr }) => {
      const { prometheus, span } = world();
      await prometheus.instant(expr);
      await prometheus.range(expr, span);
    },
  );

  test('are evaluated without an error', async () => {
    interface Rule {
      name: string;
      health: string;
      lastError?: string;
    }
    const rules = await waitFor(
      'every rule has been evaluated',
      async () => {
        const { groups } = await world().prometheus.api<{ groups: { rules: Rule[] }[] }>('rules');
        const all = groups.flatMap((each) => each.rules);
        return all.every(({ health }) => health !== 'unknown') ? all : undefined;
      },
      patience,
    );
    expect(rules.map(({ name }) => name).sort()).toEqual(Object.keys(alerts).sort());
    for (const { name, health, lastError } of rules) expect({ health, lastError }, name).toEqual({ health: 'ok' });
  });

  test('of what has happened are pending, for the model that it happened to, and no other is', async () => {
    interface Active {
      labels: Record<string, string>;
      state: string;
    }
    const expected = ['LocalModelErrorRate', 'LocalModelQueueSaturated'];
    const active = await waitFor(
      'alerts are pending',
      async () => {
        const found = await world().prometheus.api<{ alerts: Active[] }>('alerts');
        return found.alerts.length >= expected.length ? found.alerts : undefined;
      },
      patience,
    );
    expect(active.map(({ labels }) => labels.alertname).sort()).toEqual(expected);
    for (const { labels, state } of active) {
      expect(labels).toMatchObject({ namespace: world().namespace, localmodel: NAME });
      expect(state).toBe('pending');
    }
  });
});

test('every query of every dashboard was asked', () => {
  const asked = dashboards.map(({ name, questions }) => [name, questions.map(({ expr }) => expr)]);
  const written = Object.entries(sources).map(([name, dashboard]) => [name, expressionsOf(dashboard)]);
  expect(Object.fromEntries(asked)).toEqual(Object.fromEntries(written));
});

test('what only others tell is on script, and nothing else is', () => {
  const ours = /^(localmodel_|gen_ai_|controller_runtime_|workqueue_|rest_client_|leader_election_|process_|nodejs_)/;
  const read = dashboards.flatMap(({ questions }) => questions.flatMap(({ expr }) => metricsIn(expr)));
  const theirs = new Set(read.filter((name) => !ours.test(name)));
  expect([...theirs].sort()).toEqual(Object.keys(foreign).sort());
});
