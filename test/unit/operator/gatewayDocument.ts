// What a gateway answers under /status, made up.
import type { GatewayStatus } from '../../../src/gateway/status.ts';
import { digest } from './observation.ts';

export const GIB = 1024 ** 3;

/** Of a pod of ai/model that serves on its device, unless told otherwise. */
export function gatewayDocument(revision: string, more: Partial<GatewayStatus> = {}): GatewayStatus {
  return {
    schema: 1,
    version: '0.1.0',
    deployment: { namespace: 'ai', name: 'model' },
    revision,
    phase: 'Serving',
    reason: 'Serving',
    message: 'qwen2.5:0.5b answers',
    ready: true,
    model: {
      reference: 'qwen2.5:0.5b',
      servedNames: ['qwen2.5:0.5b'],
      sourceDigest: digest('a'),
      servedDigest: digest('b'),
      loadedDigest: digest('b'),
      sizeBytes: GIB,
      quantization: 'Q4_K_M',
      family: 'qwen2',
      contextLength: 4096,
    },
    residency: { class: 'GPU', required: true, ratio: 1 },
    requests: { inFlight: 0, queued: 0 },
    canary: { enabled: true },
    ...more,
  };
}

export const pullingDocument = (
  revision: string,
  completedBytes: number,
  pull: Partial<GatewayStatus['pull'] & object> = {},
): GatewayStatus =>
  gatewayDocument(revision, {
    phase: 'Starting',
    reason: 'Pulling',
    message: 'the model is being fetched',
    ready: false,
    model: { reference: 'qwen2.5:0.5b', servedNames: [] },
    residency: { class: 'GPU', required: true },
    pull: { phase: 'Fetching', completedBytes, totalBytes: 10 * GIB, etaSeconds: 90, ...pull },
  });
