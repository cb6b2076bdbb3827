// The gateway's door between a client of the test and a scripted runtime, with a pod behind it that is as the test says.
import { onTestFinished } from 'vitest';
import { createAdmission } from '../../src/gateway/admission.ts';
import { createAudit } from '../../src/gateway/audit.ts';
import type { Keyring } from '../../src/gateway/auth.ts';
import type { GatewayConfig } from '../../src/gateway/config.ts';
import { type FrontLimits, startFrontServer } from '../../src/gateway/frontServer.ts';
import { createGatewayMetrics } from '../../src/gateway/metrics.ts';
import { createServed } from '../../src/gateway/models.ts';
import type { PodView } from '../../src/gateway/podView.ts';
import { createProxy, LIGHT_PLACES } from '../../src/gateway/proxy.ts';
import { refusalOf } from '../../src/gateway/refusal.ts';
import type { RuntimeKind } from '../../src/gateway/routes.ts';
import type { Certificate } from '../../src/gateway/tls.ts';
import { createUpstream } from '../../src/gateway/upstream.ts';
import type { Door } from '../../src/gateway/verdicts.ts';
import { type Clock, systemClock } from '../../src/process/clock.ts';
import { createRegistry } from '../../src/process/metrics.ts';
import { recordLog } from './recordedLog.ts';
import { type ScriptedRuntime, startRuntime } from './scriptedRuntime.ts';

export interface DoorOptions {
  runtime?: ScriptedRuntime;
  kind?: RuntimeKind;
  protocols?: GatewayConfig['protocols'];
  limits?: Partial<GatewayConfig['limits']>;
  frontLimits?: Partial<FrontLimits>;
  keyring?: Pick<Keyring, 'identify'>;
  certificate?: Certificate;
  clock?: Clock;
}

/** What the test says of the pod, and what the door has seen of it. */
export interface TestedPod extends PodView {
  state: Door;
  known: boolean;
  seen: string[];
}

function podOf(kind: RuntimeKind): TestedPod {
  const served = createServed({ runtime: kind, servedNames: ['assistant', 'tiny'], name: 'tiny:latest' });
  const pod: TestedPod = {
    state: 'Open',
    known: true,
    seen: [],
    door: () => pod.state,
    why: () => 'Loading: the runtime is loading the model',
    served: () => (pod.known ? served : undefined),
    loadedModel: () => ({
      digest: `sha256:${'a'.repeat(64)}`,
      sizeBytes: 1000,
      deviceBytes: 10,
      since: 1_700_000_000_000,
    }),
    modelKind: () => 'Generate',
    observe: ({ outcome }) => void pod.seen.push(outcome),
  };
  return pod;
}

const defaults = {
  maxInFlight: 4,
  maxQueue: 8,
  queueTimeoutSeconds: 60,
  requestTimeoutSeconds: 600,
  maxBodyBytes: 10 * 1024 * 1024,
};

/** Everything is closed when the test is over. */
export async function openDoor(options: DoorOptions = {}) {
  const { kind = 'Ollama', clock = systemClock, keyring, certificate } = options;
  const runtime = options.runtime ?? (await startRuntime());
  const limits = { ...defaults, ...options.limits };
  const pod = podOf(kind);
  const { log, lines } = recordLog();
  const metrics = createGatewayMetrics(createRegistry({ node: false }));
  const audited: string[] = [];
  const admission = createAdmission({
    ...limits,
    queueTimeoutMs: limits.queueTimeoutSeconds * 1000,
    clock,
    refusal: () => refusalOf(pod),
  });
  const upstream = createUpstream({ port: runtime.port, connections: limits.maxInFlight + LIGHT_PLACES });
  const proxy = createProxy({
    config: {
      runtime: { kind, port: runtime.port },
      protocols: options.protocols ?? ['OpenAI', 'Native', 'Anthropic'],
      limits,
    },
    view: pod,
    admission,
    upstream,
    metrics,
    audit: createAudit({ write: (line) => void audited.push(line), clock }),
    clock,
    log,
    ...(keyring && { keyring }),
  });
  const front = await startFrontServer({
    handler: proxy.handle,
    onUnreadable: proxy.unreadable,
    log,
    host: '127.0.0.1',
    port: 0,
    limits: { connectionsCheckingInterval: 50, ...options.frontLimits },
    ...(certificate && { certificate }),
  });
  onTestFinished(async () => {
    front.destroy();
    await upstream.destroy();
  });
  const url = `http://127.0.0.1:${front.port}`;
  return { runtime, pod, admission, proxy, front, metrics, log: lines, audited, url, port: front.port };
}

export type OpenDoor = Awaited<ReturnType<typeof openDoor>>;

/** Of one series, as Prometheus would read it; undefined where there is none. */
export async function series({ metrics }: OpenDoor, name: string, labels: Record<string, string> = {}) {
  const metric = await metrics.registry.getSingleMetric(name)?.get();
  const entries = Object.entries(labels);
  return metric?.values.find((value) => entries.every(([key, wanted]) => String(value.labels[key]) === wanted))?.value;
}

/** As clients write it. */
export const chatBody = (more: object = {}) =>
  JSON.stringify({ model: 'assistant', messages: [{ role: 'user', content: 'tell me a secret' }], ...more });

export const post = (body: string, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json', ...headers },
  body,
});
