import { describe, expect, it } from 'vitest';
import type { ExchangeRecord } from '../../../src/gateway/exchange.ts';
import { createGatewayMetrics } from '../../../src/gateway/metrics.ts';
import { metrics as catalogue } from '../../../src/gateway/metricsCatalogue.ts';
import { initialState, type State } from '../../../src/gateway/state.ts';
import { createRegistry } from '../../../src/process/metrics.ts';
import { cpuRules, servingPod } from './pod.ts';

const sourcesOf = (state: () => State) => ({
  state,
  admission: { inFlight: 2, queued: 1 },
  limits: { maxInFlight: 4, maxQueue: 64 },
  lastRequestAt: () => 1_700_000_000_000,
  pull: () => ({ completedBytes: 5, totalBytes: 10 }),
  certificateExpiry: () => 1_800_000_000_000,
  apiKeys: () => [{ client: 'billing', expiresAt: 1_800_000_000_000 }, { client: 'support' }],
  version: '0.1.0',
  runtime: 'Ollama' as const,
  class: 'GPU' as const,
});

const record: ExchangeRecord = {
  requestId: 'r',
  family: 'OpenAI',
  method: 'POST',
  client: 'team-a',
  status: 200,
  outcome: 'Answered',
  queueMs: 500,
  reachedRuntime: true,
  streamed: true,
  firstPieceMs: 1000,
  lastPieceMs: 3000,
  totalMs: 3100,
  usage: { inputTokens: 11, outputTokens: 21 },
  bytesIn: 100,
  bytesOut: 2000,
};

const textOf = async (metrics: ReturnType<typeof createGatewayMetrics>) =>
  (await metrics.registry.metrics()).split('\n');

describe('metrics', () => {
  it('are those of the catalogue, all of them', async () => {
    const metrics = createGatewayMetrics(createRegistry({ node: false }));
    metrics.readFrom(sourcesOf(() => initialState(cpuRules, 0)));
    const registered = await metrics.registry.getMetricsAsJSON();
    expect(registered.map(({ name }) => name).sort()).toEqual(Object.keys(catalogue).sort());
  });

  it('tell a streamed request in seconds, tokens and bytes', async () => {
    const metrics = createGatewayMetrics(createRegistry({ node: false }));
    metrics.exchange(record);
    expect(await textOf(metrics)).toEqual(
      expect.arrayContaining([
        'localmodel_requests_total{family="OpenAI",route="other",code="200"} 1',
        'gen_ai_server_request_duration_seconds_sum{family="OpenAI",code="200"} 3.1',
        'gen_ai_server_time_to_first_token_seconds_sum{family="OpenAI"} 1',
        'gen_ai_server_time_per_output_token_seconds_sum{family="OpenAI"} 0.1',
        'localmodel_queue_wait_seconds_sum 0.5',
        'localmodel_client_requests_total{client="team-a"} 1',
        'localmodel_client_tokens_total{client="team-a",direction="input"} 11',
        'localmodel_tokens_total{family="OpenAI",direction="output"} 21',
        'localmodel_bytes_total{direction="output"} 2000',
      ]),
    );
  });

  it('count a refusal by its reason, and a client that left as 499', async () => {
    const metrics = createGatewayMetrics(createRegistry({ node: false }));
    const { status: _, usage: __, ...none } = record;
    metrics.exchange({ ...none, status: 429, outcome: 'Refused', reason: 'QueueFull', reachedRuntime: false });
    metrics.exchange({ ...none, outcome: 'ClientGone' });
    metrics.unreadable('BadRequest');
    expect(await textOf(metrics)).toEqual(
      expect.arrayContaining([
        'localmodel_rejections_total{reason="QueueFull"} 1',
        'localmodel_rejections_total{reason="BadRequest"} 1',
        'localmodel_requests_total{family="OpenAI",route="other",code="499"} 1',
        'localmodel_client_requests_total{client="team-a"} 1',
      ]),
    );
  });

  it('show how things stand at the time of the scrape', async () => {
    const metrics = createGatewayMetrics(createRegistry({ node: false }));
    let state = initialState(cpuRules, 0);
    metrics.readFrom(sourcesOf(() => state));
    const before = await textOf(metrics);
    expect(before).toContain('localmodel_ready 0');
    expect(before).toContain('localmodel_phase{phase="Starting"} 1');
    expect(before.filter((line) => /^localmodel_model_(loaded_info|residency_ratio|load_seconds)/.test(line))).toEqual(
      [],
    );
    state = servingPod().state;
    expect(await textOf(metrics)).toEqual(
      expect.arrayContaining([
        'localmodel_ready 1',
        'localmodel_phase{phase="Starting"} 0',
        'localmodel_phase{phase="Serving"} 1',
        expect.stringMatching(/^localmodel_model_loaded_info\{name="tiny:latest",digest="sha256:a+"\} 1$/),
        'localmodel_model_load_seconds 2',
        'localmodel_requests_in_flight 2',
        'localmodel_requests_queued_limit 64',
        'localmodel_last_request_timestamp_seconds 1700000000',
        'localmodel_certificate_expiry_timestamp_seconds 1800000000',
        'localmodel_api_key_expiry_timestamp_seconds{client="billing"} 1800000000',
        'localmodel_runtime_restarts_total 0',
        'localmodel_pull_total_bytes 10',
      ]),
    );
    expect((await textOf(metrics)).filter((line) => line.includes('client="support"'))).toEqual([]);
  });

  it('count canaries', async () => {
    const metrics = createGatewayMetrics(createRegistry({ node: false }));
    metrics.canary('Wrong', 0.25);
    const text = await textOf(metrics);
    expect(text).toContain('localmodel_canary_total{outcome="Wrong"} 1');
    expect(text).toContain('localmodel_canary_duration_seconds_sum 0.25');
  });
});
